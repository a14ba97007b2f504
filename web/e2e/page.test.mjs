// The main path: a file in, a label, bars and a heat map out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agrees, alertText, canvas, drop, launch, noProblems, openReady, paste, pick, read, record, result } from './harness.mjs';
import { BAD_FILES, bmp, png, tiff } from './images.mjs';

describe('the page on the CPU', () => {
  let browser, server, page;

  before(async () => {
    browser = await launch();
    server = await record();
    page = await openReady(browser, server.url, { query: '?backend=cpu' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('says what runs before any file', async () => {
    const { engine, bars } = await read(page);
    assert.match(engine, /^CPU \(direct, SIMD\) · ready in /);
    assert.ok(bars.length >= 2);
    assert.ok(bars.every((bar) => bar.percent === '' && !bar.chosen));
  });

  test('a dropped PNG gives a label, bars, and a heat map', async () => {
    await drop(page, 'dropped.png', png(200, 160));
    const shown = await result(page, 'dropped.png');
    agrees(shown);
    const best = shown.bars.find((bar) => bar.predicted);
    assert.ok(best.chosen, 'the predicted class is the one whose heat map is shown');
    const total = shown.bars.reduce((sum, bar) => sum + Number.parseFloat(bar.width), 0);
    assert.ok(Math.abs(total - 100) < 0.5, `the bars add up to ${total} %`);
    assert.match(shown.engine, /^CPU \(direct, SIMD\) · [\d.]+ m?s$/);
    assert.match(shown.caution, /not a diagnosis/i);
    const scan = await canvas(page, '#scan');
    assert.deepEqual([scan.width, scan.height], [200, 160]);
    assert.ok(scan.colours > 20, 'the scan is drawn');
    const overlay = await canvas(page, '#overlay');
    assert.ok(overlay.visible > 100 && overlay.colours > 20, JSON.stringify(overlay));
    assert.match(shown.heat, /strongest .+, (less than )?\d+% from the left and (less than )?\d+% from the top/);
  });

  test('choosing a class changes the heat map, its description, and nothing else', async () => {
    const verdict = (await read(page)).verdict;
    const seen = new Set();
    const words = new Set();
    for (const bar of await page.locator('.bar').all()) {
      await bar.click();
      const name = await bar.locator('.name').textContent();
      const { heat } = await read(page);
      assert.ok(heat.includes(name), heat);
      words.add(heat);
      seen.add((await canvas(page, '#overlay')).hash);
    }
    assert.equal(words.size, (await read(page)).bars.length);
    assert.ok(seen.size > 1, 'every class has the same heat map');
    assert.equal((await read(page)).verdict, verdict);
  });

  test('arrow keys choose a class', async () => {
    const first = page.locator('.bar input').first();
    await first.focus();
    await page.keyboard.press('ArrowDown');
    const { bars } = await read(page);
    assert.ok(bars[1].chosen && !bars[0].chosen);
  });

  test('opacity and switch act on the overlay', async () => {
    const opacity = () => page.$eval('#overlay', (overlay) => Number(getComputedStyle(overlay).opacity));
    await page.fill('#opacity', '30');
    assert.equal(await opacity(), 0.3);
    await page.fill('#opacity', '100');
    assert.equal(await opacity(), 1);
    await page.uncheck('#heat-shown');
    assert.ok(await page.isHidden('#overlay'));
    assert.ok(await page.isDisabled('#opacity'));
    await page.check('#heat-shown');
    assert.ok(await page.isVisible('#overlay'));
  });

  test('a picked and a pasted file work as well', async () => {
    await pick(page, 'picked.png', png(90, 120));
    assert.equal((await result(page, 'picked.png')).file, 'picked.png');
    // The same file again: a change all the same.
    await pick(page, 'other.png', png(91, 120));
    await result(page, 'other.png');
    await pick(page, 'picked.png', png(90, 120));
    await result(page, 'picked.png');
    await paste(page, 'pasted.png', png(120, 90));
    assert.equal((await result(page, 'pasted.png')).file, 'pasted.png');
  });

  test('the drop zone opens the file picker by click, Enter and Space', async () => {
    const fresh = await openReady(browser, server.url, { query: '?backend=cpu' });
    for (const act of [
      () => fresh.click('#drop-zone'),
      () => fresh.press('#drop-zone', 'Enter'),
      () => fresh.press('#drop-zone', 'Space'),
    ]) {
      const chooser = fresh.waitForEvent('filechooser', { timeout: 5000 });
      await act();
      await chooser;
    }
    await fresh.context().close();
  });

  test('BMP, TIFF, JPEG and WebP are read, and agree with PNG', async () => {
    const [width, height] = [128, 128];
    const encoded = await page.evaluate(
      async ([width, height, base64]) => {
        const image = new Image();
        image.src = `data:image/png;base64,${base64}`;
        await image.decode();
        const canvas = new OffscreenCanvas(width, height);
        canvas.getContext('2d').drawImage(image, 0, 0);
        const files = {};
        for (const type of ['jpeg', 'webp']) {
          const blob = await canvas.convertToBlob({ type: `image/${type}`, quality: 1 });
          files[type] = [...new Uint8Array(await blob.arrayBuffer())];
        }
        return files;
      },
      [width, height, png(width, height).toString('base64')],
    );
    const files = {
      'a.png': png(width, height),
      'a.bmp': bmp(width, height),
      'a.tiff': tiff(width, height),
      'a.jpeg': Buffer.from(encoded.jpeg),
      'a.webp': Buffer.from(encoded.webp),
    };
    const widths = {};
    for (const [name, bytes] of Object.entries(files)) {
      await drop(page, name, bytes);
      const shown = await result(page, name);
      widths[name] = shown.bars.map((bar) => Number.parseFloat(bar.width));
    }
    for (const [name, bars] of Object.entries(widths)) {
      // Lossless formats agree to the digit shown, lossy ones roughly.
      const slack = /bmp|tiff|png/.test(name) ? 0.011 : 15;
      bars.forEach((bar, index) => {
        const difference = Math.abs(bar - widths['a.png'][index]);
        assert.ok(difference <= slack, `${name}, class ${index}: ${bar} against ${widths['a.png'][index]}`);
      });
    }
  });

  test('each bad file gets one clear line, and the last result stays', async () => {
    await drop(page, 'good.png', png(128, 128));
    const before = await result(page, 'good.png');
    const overlay = await canvas(page, '#overlay');
    for (const { name, bytes, says } of BAD_FILES) {
      await drop(page, name, bytes);
      const line = await alertText(page);
      assert.match(line, says, name);
      assert.ok(line.includes(name), `${line} does not name ${name}`);
      assert.ok(!line.includes('\n') && line.length < 250, line);
      const lines = await page.$eval('#alert .banner p', (element) => {
        return Math.round(element.getBoundingClientRect().height / Number.parseFloat(getComputedStyle(element).lineHeight));
      });
      assert.ok(lines <= 2, `${name}: ${lines} lines on a wide screen`);
      await page.waitForSelector('main[data-phase="ready"]');
      const now = await read(page);
      assert.deepEqual({ ...now, requests: '' }, { ...before, requests: '' }, name);
      assert.deepEqual(await canvas(page, '#overlay'), overlay, name);
      await page.click('#alert .close');
      assert.equal(await page.locator('#alert .banner').count(), 0);
    }
    await drop(page, 'again.png', png(128, 128));
    await result(page, 'again.png');
  });

  test('a good file clears the complaint about a bad one', async () => {
    await drop(page, 'empty.png', Buffer.alloc(0));
    await alertText(page);
    await drop(page, 'fine.png', png(100, 100));
    await result(page, 'fine.png');
    assert.equal(await page.locator('#alert .banner').count(), 0);
  });

  test('a drop without a file and a paste of text are explained', async () => {
    const words = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'no file');
      return data;
    });
    await page.dispatchEvent('main', 'drop', { dataTransfer: words });
    assert.match(await alertText(page), /drop an image file/i);
    await page.evaluate((clipboardData) => {
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
    }, words);
    await page.waitForFunction(() => /clipboard/i.test(document.querySelector('#alert')?.textContent));
  });

  test('samples are one click away and marked as synthetic', async (t) => {
    const samples = page.locator('.sample');
    if ((await samples.count()) === 0) return t.skip('the page was built without samples');
    assert.ok((await samples.count()) >= 4);
    for (const sample of (await samples.all()).slice(0, 4)) {
      assert.match(await sample.textContent(), /synthetic/);
      const title = await sample.locator('.name').textContent();
      await sample.click();
      const shown = await result(page, `Sample: ${title}`);
      assert.ok((await canvas(page, '#overlay')).visible > 100, title);
      agrees(shown);
    }
  });

  test('nothing went wrong on the way', () => noProblems(page));
});
