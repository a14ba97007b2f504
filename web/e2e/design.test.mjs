// What the page looks like and how it behaves: phones, colour schemes, keyboards, responsiveness.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { drop, launch, noProblems, open, openReady, record, result, screenshot } from './harness.mjs';
import { png } from './images.mjs';

const QUERY = '?backend=cpu';

async function showResult(page) {
  const sample = page.locator('.sample').first();
  if ((await sample.count()) > 0) {
    const title = await sample.locator('.name').textContent();
    await sample.click();
    return result(page, `Sample: ${title}`);
  }
  await drop(page, 'scan.png', png(256, 256));
  return result(page, 'scan.png');
}

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe('design', () => {
  let browser, server;

  before(async () => {
    browser = await launch();
    server = await record();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const colorScheme of ['dark', 'light']) {
    test(`${colorScheme} mode follows the system`, async () => {
      const page = await openReady(browser, server.url, { query: QUERY, colorScheme });
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const brightness = ground.match(/\d+/g).slice(0, 3).reduce((sum, value) => sum + Number(value), 0) / 3;
      assert.ok(colorScheme === 'dark' ? brightness < 40 : brightness > 215, ground);
      await screenshot(page, `${colorScheme}-ready`);
      await showResult(page);
      await screenshot(page, `${colorScheme}-result`);
      await page.click('.caution summary');
      await screenshot(page, `${colorScheme}-full`, { fullPage: true });
      await noProblems(page);
      await page.context().close();
    });
  }

  for (const width of [390, 320]) {
    test(`fits a screen ${width} pixels wide`, async () => {
      const page = await openReady(browser, server.url, {
        query: QUERY,
        viewport: { width, height: 780 },
        deviceScaleFactor: 2,
        hasTouch: true,
        isMobile: true,
        colorScheme: width === 320 ? 'light' : 'dark',
      });
      assert.equal(await overflow(page), 0);
      await screenshot(page, `phone-${width}-ready`);
      await showResult(page);
      await drop(page, `${'long-name-'.repeat(12)}.png`, Buffer.alloc(0));
      await page.waitForSelector('#alert .banner');
      assert.equal(await overflow(page), 0);
      await screenshot(page, `phone-${width}-full`, { fullPage: true });
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, .bar, summary, .switch, .slider input')]
          .map((element) => [element.className || element.tagName, element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 0 && box.height < 24)
          .map(([name]) => name),
      );
      assert.deepEqual(small, [], 'too small to touch');
      await page.context().close();
    });
  }

  test('a sample chosen far down brings the scan into view', async (t) => {
    const page = await openReady(browser, server.url, { query: QUERY, viewport: { width: 390, height: 640 } });
    const samples = page.locator('.sample');
    if ((await samples.count()) < 2) return t.skip('the page was built without samples');
    await showResult(page);
    const title = await samples.last().locator('.name').textContent();
    await samples.last().click();
    await result(page, `Sample: ${title}`);
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector('#scan').getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
    await page.context().close();
  });

  test('a scan of any proportions keeps them', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    for (const [width, height] of [[400, 100], [100, 400], [64, 64], [3000, 1000]]) {
      const name = `${width}x${height}.png`;
      await drop(page, name, png(width, height));
      await result(page, name);
      const box = await page.locator('#scan').boundingBox();
      assert.ok(Math.abs(box.width / box.height / (width / height) - 1) < 0.02, `${name}: ${JSON.stringify(box)}`);
      assert.deepEqual(await page.locator('#overlay').boundingBox(), box);
      if (width === 100) await screenshot(page, 'tall');
    }
    await page.context().close();
  });

  test('a drag over the page is answered at once', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const dataTransfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['x'], 'x.png'));
      return data;
    });
    await page.dispatchEvent('footer', 'dragover', { dataTransfer });
    await page.waitForSelector('.veil.shown');
    await screenshot(page, 'drag');
    await page.dispatchEvent('footer', 'dragleave', { dataTransfer });
    await page.waitForSelector('.veil:not(.shown)', { state: 'attached' });
    await page.context().close();
  });

  test('every control can be reached and named', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await showResult(page);
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll('button, input:not([type=file]), summary')]
        .filter((element) => {
          const label = element.labels?.[0]?.textContent ?? '';
          return !`${element.ariaLabel ?? ''}${element.textContent}${label}`.trim();
        })
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(unnamed, []);
    const stops = [];
    for (let press = 0; press < 30; press += 1) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.name));
    }
    for (const wanted of ['heat-shown', 'opacity', 'class', 'sample']) assert.ok(stops.includes(wanted), `${wanted} not in ${stops}`);
    await page.context().close();
  });

  test('the page stays responsive while the worker works', async (t) => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'first.png', png(64, 64));
    await result(page, 'first.png');
    const large = png(4096, 4096);
    await page.evaluate(() => {
      globalThis.pulse = { tasks: [], frames: 0, ticks: [] };
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) pulse.tasks.push({ start: entry.startTime, length: entry.duration });
      }).observe({ type: 'longtask' });
      const frame = () => {
        pulse.frames += 1;
        requestAnimationFrame(frame);
      };
      frame();
      new MutationObserver(() => pulse.ticks.push([document.querySelector('main').dataset.phase, performance.now()])).observe(
        document.querySelector('main'),
        { attributes: true, attributeFilter: ['data-phase'] },
      );
    });
    await drop(page, 'large.png', large);
    await page.waitForSelector('main[data-phase="working"]');
    const frames = await page.evaluate(() => pulse.frames);
    // A control answers while the worker is busy.
    await page.uncheck('#heat-shown');
    const stillWorking = (await page.getAttribute('main', 'data-phase')) === 'working';
    await result(page, 'large.png');
    const pulse = await page.evaluate(() => pulse);
    const [, from] = pulse.ticks.find(([phase]) => phase === 'working');
    const [, to] = pulse.ticks.findLast(([phase]) => phase === 'ready');
    const during = pulse.tasks.filter((task) => task.start > from + 50 && task.start < to - 50);
    const longest = Math.max(0, ...during.map((task) => task.length));
    t.diagnostic(`worker busy for ${Math.round(to - from)} ms; longest task of the page ${Math.round(longest)} ms; ${pulse.frames - frames} frames`);
    assert.ok(stillWorking, 'the image is too small for this test');
    // A page that did the work itself would be blocked all the time. How many milliseconds is a
    // benchmark's question; here only the share counts, which a busy machine leaves alone.
    assert.ok(longest < (to - from) / 2, `the page was blocked for ${longest} of ${to - from} ms`);
    assert.ok(pulse.frames - frames > 5, 'no frames were drawn meanwhile');
    await page.context().close();
  });

  test('without its program the page still says what it is', async () => {
    const page = await open(browser, server.url, { javaScriptEnabled: false }).catch((error) => error);
    if (page instanceof Error) throw page;
    assert.match(await page.textContent('body'), /needs JavaScript and WebAssembly/);
    await page.context().close();
  });
});
