// Explanations to compare, the network's inside, and the scan under a brush.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  canvas, drop, launch, noProblems, openReady, read, ready, record, result, screenshot, withoutThresholds,
} from './harness.mjs';
import { png } from './images.mjs';

const QUERY = '?backend=cpu';
const QUICK = ['GradCam', 'GradCamPlusPlus', 'HiresCam', 'LayerCam', 'EigenCam'];
const SLOW = ['ScoreCam', 'Occlusion'];
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

/** A sample where there is one: a drawn head has evidence to look at. */
async function show(page) {
  const sample = page.locator('.sample').first();
  if ((await sample.count()) > 0) {
    const title = await sample.locator('.name').textContent();
    await sample.click();
    return result(page, `Sample: ${title}`);
  }
  await drop(page, 'scan.png', png(256, 200));
  return result(page, 'scan.png');
}

async function openPart(page, id) {
  const details = page.locator(`#${id}`);
  if (!(await details.evaluate((element) => element.open))) await details.locator('summary').click();
  await details.locator('.part-body').waitFor();
}

const row = (page, method) => page.locator(`.method[data-method="${method}"]`);

/** Waits until a method's thumbnails are drawn. */
async function drawn(page, method) {
  await row(page, method).locator('.cell canvas').first().waitFor();
  await page.waitForFunction((method) => {
    const canvases = [...document.querySelectorAll(`.method[data-method="${method}"] canvas`)];
    return canvases.length > 1 && canvases.every((canvas) => canvas.width !== 300);
  }, method);
}

/** The probabilities of the changed scan, in whole per cent. */
const poked = (page) =>
  page.$$eval('.poke-table tbody tr', (rows) =>
    rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim())),
  );

const untouched = (page) => page.waitForFunction(() => document.querySelector('#poke-now')?.textContent === 'The scan is as it came.');

/** Waits for an answer about the scan as it is now. */
async function settled(page) {
  await page.waitForFunction(() => document.querySelector('#poke-now')?.textContent.startsWith('Now: '));
  let last = '';
  for (let round = 0; round < 50; round += 1) {
    const now = JSON.stringify([await poked(page), (await canvas(page, '#poke-heat')).hash]);
    if (now === last) return JSON.parse(now)[0];
    last = now;
    await page.waitForTimeout(250);
  }
  throw new Error('the answer never came to rest');
}

/** A sweep of the pointer over the scan, in fractions. */
async function sweep(page, from, to) {
  const stage = page.locator('#poke-stage');
  await stage.scrollIntoViewIfNeeded();
  const box = await stage.boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at(to), { steps: 8 });
  await page.mouse.up();
}

describe('explanations', () => {
  let browser, server;

  before(async () => {
    browser = await launch();
    server = await record();
    await withoutThresholds(server);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('nothing is computed, and nothing is there, before a part is opened', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.equal(await page.locator('.lab').count(), 0);
    await show(page);
    assert.equal(await page.locator('.part').count(), 3);
    assert.equal(await page.locator('.part-body').count(), 0);
    await page.context().close();
  });

  test('every quick method shows every class, and a thumbnail becomes the map on the scan', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const { bars } = await show(page);
    await openPart(page, 'compare');
    for (const method of QUICK) {
      await drawn(page, method);
      assert.equal(await row(page, method).locator('.cell').count(), bars.length, method);
    }
    for (const method of SLOW) assert.equal(await row(page, method).locator('.cell').count(), 0, method);
    const first = await canvas(page, '#overlay');
    const chosen = bars.findIndex((bar) => bar.chosen);
    // Grad-CAM and HiResCAM are one map in these networks, LayerCAM is another.
    await row(page, 'HiresCam').locator('.cell').nth(chosen).click();
    assert.equal((await canvas(page, '#overlay')).hash, first.hash);
    await row(page, 'LayerCam').locator('.cell').nth(chosen).click();
    await page.waitForFunction(() => /LayerCAM/.test(document.querySelector('#overlay').getAttribute('aria-label')));
    assert.notEqual((await canvas(page, '#overlay')).hash, first.hash);
    assert.match(await page.textContent('#on-scan'), /^On the scan: LayerCAM, /);
    // The arrow keys go through the grid: the next map is the next class's.
    const before = await canvas(page, '#overlay');
    await row(page, 'LayerCam').locator('input').nth(0).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.querySelectorAll('.bar input')[1].checked);
    const label = await page.getAttribute('#overlay', 'aria-label');
    assert.ok(label.includes(bars[1].name) && label.includes('LayerCAM'), label);
    if (chosen !== 1) assert.notEqual((await canvas(page, '#overlay')).hash, before.hash);
    const focused = await page.evaluate(() => getComputedStyle(document.activeElement.closest('.cell')).outlineStyle);
    assert.equal(focused, 'solid', 'the focus is seen');
    // A new scan begins with Grad-CAM again, and its maps come by themselves.
    await drop(page, 'other.png', png(200, 160));
    await result(page, 'other.png');
    for (const method of QUICK) await drawn(page, method);
    assert.match(await page.textContent('#on-scan'), /^On the scan: Grad-CAM, /);
    assert.equal((await read(page)).requests, '0');
    await noProblems(page);
    await page.context().close();
  });

  for (const method of SLOW) {
    test(`${method}: on request, with progress and cancel`, async () => {
      const page = await openReady(browser, server.url, { query: QUERY });
      const { bars } = await show(page);
      await openPart(page, 'compare');
      // Rows grow as they are drawn, and what is below them moves.
      for (const quick of QUICK) await drawn(page, quick);
      // What the progress says, as it changes.
      await page.evaluate(() => {
        globalThis.told = [];
        new MutationObserver(() => {
          const line = document.querySelector('.wait progress + .number')?.textContent;
          if (line && told.at(-1) !== line) told.push(line);
        }).observe(document.querySelector('.methods'), { subtree: true, childList: true, characterData: true });
      });
      await row(page, method).locator('.ask').click();
      await page.waitForFunction(() => told.length > 0);
      await row(page, method).locator('.stop').click();
      await row(page, method).locator('.ask').waitFor();
      assert.equal(await row(page, method).locator('.cell').count(), 0, 'it was cancelled');
      await row(page, method).locator('.ask').click();
      await drawn(page, method);
      assert.equal(await row(page, method).locator('.cell').count(), bars.length);
      const told = await page.evaluate(() => globalThis.told);
      assert.ok(told.every((line) => /^\d+ of \d+ passes$/.test(line)), told.join(' | '));
      const best = bars.findIndex((bar) => bar.predicted);
      await row(page, method).locator('.cell').nth(best).click();
      const { heat } = await read(page);
      if (method === 'Occlusion') assert.match(heat, /lowers the probability of .* by [\d.]+ percentage points|No single place matters/);
      else assert.match(heat, /strongest|Nothing in the picture/);
      await screenshot(page, `explain-${method}`, { fullPage: true });
      await noProblems(page);
      await page.context().close();
    });
  }

  test('a new scan ends what was at work on the old one', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'compare');
    await drawn(page, 'LayerCam');
    await row(page, 'Occlusion').locator('.ask').click();
    await row(page, 'Occlusion').locator('progress').waitFor();
    await drop(page, 'other.png', png(200, 160));
    await result(page, 'other.png');
    await row(page, 'Occlusion').locator('.ask').waitFor();
    assert.equal(await row(page, 'Occlusion').locator('.cell').count(), 0);
    await page.context().close();
  });

  test('two maps on one scan, with a legend', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'compare');
    await drawn(page, 'EigenCam');
    const one = await canvas(page, '#overlay');
    const options = await page.$$eval('#second option', (options) => options.map((option) => option.textContent));
    const eigen = options.findIndex((text) => text.startsWith('EigenCAM'));
    await page.selectOption('#second', { index: eigen });
    await page.waitForSelector('.legend .second');
    assert.equal(await page.textContent('.legend .second'), options[eigen]);
    assert.match(await page.textContent('.legend .first'), /^Grad-CAM, /);
    assert.notEqual((await canvas(page, '#overlay')).hash, one.hash);
    await page.selectOption('#second', '');
    assert.equal(await page.locator('.legend').count(), 0);
    assert.equal((await canvas(page, '#overlay')).hash, one.hash);
    await page.context().close();
  });

  test('colours can be chosen and are remembered', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    const hashes = new Set();
    const names = await page.$$eval('#colours option', (options) => options.map((option) => option.value));
    assert.ok(names.length >= 4 && names.includes('cividis') && names.includes('viridis'), names.join());
    for (const name of names) {
      await page.selectOption('#colours', name);
      hashes.add((await canvas(page, '#overlay')).hash);
    }
    assert.equal(hashes.size, names.length, 'each looks another way');
    await page.selectOption('#colours', 'cividis');
    const before = await canvas(page, '#overlay');
    await page.reload();
    await ready(page);
    await show(page);
    assert.equal(await page.inputValue('#colours'), 'cividis');
    assert.equal((await canvas(page, '#overlay')).hash, before.hash);
    await noProblems(page);
    await page.context().close();
  });

  test('the contour follows its level, with the heat map or without', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    const line = () => page.$eval('.contour path', (path) => path.getAttribute('d') ?? '');
    assert.equal(await line(), '');
    assert.equal(await page.locator('#level').count(), 0);
    await page.locator('#contour').focus();
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('.contour path').getAttribute('d'));
    const half = await line();
    await page.locator('#level').fill('90');
    await page.waitForFunction((half) => document.querySelector('.contour path').getAttribute('d') !== half, half);
    const high = await page.$eval('.contour path', (path) => path.getBBox().width * path.getBBox().height);
    await page.locator('#level').fill('10');
    await page.waitForFunction((high) => {
      const box = document.querySelector('.contour path').getBBox();
      return box.width * box.height > high;
    }, high);
    await page.uncheck('#heat-shown');
    assert.notEqual(await line(), '');
    await screenshot(page, 'explain-contour');
    await page.uncheck('#contour');
    await page.waitForFunction(() => !document.querySelector('.contour path').getAttribute('d'));
    await noProblems(page);
    await page.context().close();
  });

  test('the blocks show their channels, the most active first', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'inside');
    const channels = page.locator('#channels li');
    await channels.first().waitFor();
    const blocks = await page.$$eval('#block option', (options) => options.map((option) => option.textContent));
    assert.ok(blocks.length >= 3 && blocks.some((name) => /^Block \d$/.test(name)), blocks.join());
    const last = await page.textContent('#block-size');
    await page.selectOption('#block', { index: 0 });
    await page.waitForFunction((last) => document.querySelector('#block-size').textContent !== last, last);
    const [, count] = (await page.textContent('#block-size')).match(/^([\d,]+) channels of \d+ × \d+ cells$/);
    const activity = await page.$$eval('#channels .number', (numbers) => numbers.map((number) => Number(number.textContent)));
    assert.deepEqual(activity, activity.toSorted((a, b) => b - a));
    const drawn = await page.$$eval('#channels canvas', (canvases) =>
      canvases.map((canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size),
    );
    assert.ok(drawn[0] > 20, `${drawn[0]} shades in the most active channel`);
    assert.match(await page.getAttribute('#channels canvas', 'aria-label'), /^Channel \d+, mean magnitude [\d.]+$/);
    await page.selectOption('#block', { index: blocks.length - 1 });
    await page.waitForFunction((last) => document.querySelector('#block-size').textContent === last, last);
    assert.ok(Number(count) > 0);
    if (await page.locator('#all-channels').count()) {
      const some = await channels.count();
      await page.click('#all-channels');
      await page.waitForFunction((some) => document.querySelectorAll('#channels li').length > some, some);
      const [, all] = last.match(/^([\d,]+) /);
      assert.equal(await channels.count(), Number(all.replace(',', '')));
    }
    await screenshot(page, 'explain-inside', { fullPage: true });
    await noProblems(page);
    await page.context().close();
  });

  test('a restarted engine explains the scan that is there', async () => {
    const page = await openReady(browser, server.url, { query: `${QUERY}&debug=panic` });
    await show(page);
    await openPart(page, 'compare');
    await drawn(page, 'LayerCam');
    await page.evaluate(() => window.__scanlight_debug_panic());
    await page.waitForSelector('#alert .banner');
    await page.waitForSelector('main[data-phase="ready"]');
    await row(page, 'ScoreCam').locator('.ask').click();
    await drawn(page, 'ScoreCam');
    await page.context().close();
  });
});

describe('poking the model', () => {
  let browser, server;

  before(async () => {
    browser = await launch();
    server = await record();
    await withoutThresholds(server);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('painting changes the answer, undo and redo bring back and forth', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const { bars } = await show(page);
    await openPart(page, 'poke');
    await page.waitForFunction(() => document.querySelector('#poke-scan').width !== 300);
    const first = { scan: await canvas(page, '#poke-scan'), heat: await canvas(page, '#poke-heat') };
    assert.equal(first.scan.hash, (await canvas(page, '#scan')).hash);
    assert.equal(first.heat.hash, (await canvas(page, '#overlay')).hash);
    assert.deepEqual((await poked(page)).map(([before, now]) => [before, now]), bars.map((bar) => [bar.percent, '']));
    await page.locator('#brush-size').fill('40');
    await sweep(page, [0.3, 0.4], [0.7, 0.6]);
    const painted = await settled(page);
    const scan = await canvas(page, '#poke-scan');
    assert.notEqual(scan.hash, first.scan.hash);
    assert.notEqual((await canvas(page, '#poke-heat')).hash, first.heat.hash);
    assert.ok(painted.some(([before, now]) => before !== now), JSON.stringify(painted));
    for (const [, now, points] of painted) assert.ok(now && /^[+-]?\d+$/.test(points), JSON.stringify(painted));
    await page.keyboard.press('Control+z');
    await untouched(page);
    assert.equal((await canvas(page, '#poke-scan')).hash, first.scan.hash);
    assert.equal((await canvas(page, '#poke-heat')).hash, first.heat.hash);
    await page.keyboard.press('Control+Shift+Z');
    assert.deepEqual(await settled(page), painted, 'the same picture has the same answer');
    assert.equal((await canvas(page, '#poke-scan')).hash, scan.hash);
    await page.click('#undo');
    await untouched(page);
    await page.click('#redo');
    await settled(page);
    await page.click('#reset');
    await untouched(page);
    await page.click('#undo');
    assert.deepEqual(await settled(page), painted, 'a reset can be undone');
    // The answer to the file itself is as it was.
    assert.deepEqual((await read(page)).bars, bars);
    assert.equal((await read(page)).requests, '0');
    await screenshot(page, 'poke', { fullPage: true });
    await noProblems(page);
    await page.context().close();
  });

  test('moved, turned and mirrored by sliders, drag and keys', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'poke');
    await page.waitForFunction(() => document.querySelector('#poke-scan').width !== 300);
    const hashes = new Set([(await canvas(page, '#poke-scan')).hash]);
    const look = async (what) => {
      await settled(page);
      const { hash } = await canvas(page, '#poke-scan');
      assert.ok(!hashes.has(hash), `${what} changes the picture`);
      hashes.add(hash);
    };
    await page.locator('#turn').fill('90');
    await look('turning');
    assert.equal(await page.getAttribute('#turn', 'aria-valuetext'), '90°');
    await page.check('#mirror');
    await look('mirroring');
    await page.locator('#shift-x').fill('20');
    await look('moving right');
    await page.locator('#shift-y').fill('-20');
    await look('moving up');
    await page.locator('.tool', { hasText: 'Move' }).click();
    await sweep(page, [0.5, 0.5], [0.4, 0.6]);
    await look('dragging');
    assert.equal(await page.inputValue('#shift-x'), '10');
    await page.locator('#poke-stage').focus();
    await page.keyboard.press('ArrowLeft');
    await look('an arrow key');
    assert.equal(await page.inputValue('#shift-x'), '8');
    for (let round = 0; round < 6; round += 1) await page.keyboard.press('Control+z');
    await untouched(page);
    assert.equal(await page.inputValue('#turn'), '0');
    assert.equal(await page.isChecked('#mirror'), false);
    await noProblems(page);
    await page.context().close();
  });

  test('the brush goes by keyboard', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'poke');
    await page.locator('.tool input').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.ok(await page.locator('.tool input').nth(2).isChecked(), 'brighten');
    const stage = page.locator('#poke-stage');
    await stage.focus();
    assert.equal(await stage.evaluate((element) => getComputedStyle(element).outlineStyle), 'solid', 'the focus is seen');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowDown');
    assert.match(await page.textContent('#poke .unseen[role="status"]'), /^Brush 52% from the left, 60% from the top$/);
    const before = await canvas(page, '#poke-scan');
    await page.keyboard.press('Space');
    await settled(page);
    const dab = await canvas(page, '#poke-scan');
    assert.notEqual(dab.hash, before.hash);
    // With the space bar down the arrows draw.
    await page.keyboard.down('Space');
    for (let step = 0; step < 10; step += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.up('Space');
    await settled(page);
    const line = await canvas(page, '#poke-scan');
    assert.notEqual(line.hash, dab.hash);
    await page.keyboard.press('Control+z');
    await settled(page);
    assert.equal((await canvas(page, '#poke-scan')).hash, dab.hash, 'the line is one change');
    await noProblems(page);
    await page.context().close();
  });

  test('the newest state wins, and another scan starts anew', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await show(page);
    await openPart(page, 'poke');
    await page.waitForFunction(() => document.querySelector('#poke-scan').width !== 300);
    // Many states faster than any engine answers; the last one's answer stays.
    await page.evaluate(() => {
      const turn = document.querySelector('#turn');
      for (let angle = -170; angle <= 120; angle += 1) {
        turn.value = String(angle);
        turn.dispatchEvent(new Event('input', { bubbles: true }));
      }
      turn.dispatchEvent(new Event('change', { bubbles: true }));
    });
    const fast = await settled(page);
    await page.click('#reset');
    await untouched(page);
    await page.locator('#turn').fill('120');
    assert.deepEqual(await settled(page), fast);
    // Changed while an answer is under way: what comes is about a scan that is gone.
    await page.locator('#turn').fill('60');
    await drop(page, 'other.png', png(200, 160));
    const { bars } = await result(page, 'other.png');
    await untouched(page);
    await page.waitForTimeout(500);
    await untouched(page);
    assert.deepEqual((await poked(page)).map(([before]) => before), bars.map((bar) => bar.percent));
    assert.equal((await canvas(page, '#poke-scan')).hash, (await canvas(page, '#scan')).hash);
    await noProblems(page);
    await page.context().close();
  });
});

describe('the lab on WebGPU', () => {
  test('maps, blocks, occlusion and changes as on the CPU', async (t) => {
    const browser = await launch();
    const server = await record();
    await withoutThresholds(server);
    try {
      const page = await openReady(browser, server.url, { query: '?backend=webgpu' });
      await show(page);
      if (!/^WebGPU/.test((await read(page)).engine)) return t.skip('this browser offers no WebGPU adapter');
      await openPart(page, 'compare');
      for (const method of QUICK) await drawn(page, method);
      await row(page, 'ScoreCam').locator('.ask').click();
      await drawn(page, 'ScoreCam');
      await row(page, 'Occlusion').locator('.ask').click();
      await row(page, 'Occlusion').locator('.stop').click();
      await row(page, 'Occlusion').locator('.ask').waitFor();
      await openPart(page, 'inside');
      await page.locator('#channels li').first().waitFor();
      await openPart(page, 'poke');
      await page.waitForFunction(() => document.querySelector('#poke-scan').width !== 300);
      await page.locator('#turn').fill('45');
      const gpu = await settled(page);
      await noProblems(page);
      await page.context().close();
      const other = await openReady(browser, server.url, { query: QUERY });
      await show(other);
      await openPart(other, 'poke');
      await other.waitForFunction(() => document.querySelector('#poke-scan').width !== 300);
      await other.locator('#turn').fill('45');
      assert.deepEqual(await settled(other), gpu);
      await other.context().close();
    } finally {
      await browser.close();
      await server.close();
    }
  });
});

describe('the look of the lab', () => {
  for (const [colorScheme, size, options] of [
    ['dark', 'wide', {}],
    ['light', 'wide', {}],
    ['dark', '390', PHONE],
    ['light', '390', PHONE],
    ['light', '320', { ...PHONE, viewport: { width: 320, height: 640 } }],
  ]) {
    test(`${colorScheme}, ${size}: everything open fits`, async () => {
      const browser = await launch();
      const server = await record();
    await withoutThresholds(server);
      try {
        const page = await openReady(browser, server.url, { query: QUERY, colorScheme, ...options });
        await show(page);
        await page.check('#contour');
        for (const id of ['compare', 'inside', 'poke']) await openPart(page, id);
        await drawn(page, 'EigenCam');
        await page.locator('#channels li').first().waitFor();
        await page.locator('#turn').fill('20');
        await settled(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(overflow, 0);
        const small = await page.evaluate(() =>
          [...document.querySelectorAll('.lab button, .lab summary, .lab select, .lab .tool, .lab .cell, .lab .switch, .lab .slider input')]
            .map((element) => [element.id || element.className || element.tagName, element.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.height < 24 || box.width < 24))
            .map(([name]) => name),
        );
        assert.deepEqual(small, [], 'too small to touch');
        await screenshot(page, `lab-${colorScheme}-${size}`, { fullPage: true });
        await noProblems(page);
        await page.context().close();
      } finally {
        await browser.close();
        await server.close();
      }
    });
  }
});
