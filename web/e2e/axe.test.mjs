// WCAG 2.2 AA as far as a program can tell (axe-core), over every state of the page, and what it cannot: focus,
// keyboard, announcements, motion.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { drop, launch, open, openReady, ready, record, result } from './harness.mjs';
import { photograph, png } from './images.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';

const LOOKS = [
  { name: 'dark', colorScheme: 'dark' },
  { name: 'light', colorScheme: 'light' },
  { name: 'dark, 390 px', colorScheme: 'dark', viewport: { width: 390, height: 780 } },
  { name: 'light, 320 px', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { name: 'Arabic', colorScheme: 'dark', locale: 'ar' },
];

/** A model that refuses what is no scan, and is unsure above `above`. */
const trust = (above) => ({
  uncertainty: { method: 'entropy', abstain_above: above, coverage: 0.9, selective_accuracy: 0.99, aurc: 0.01, fitted_on: 'a test' },
  ood: { method: 'energy', threshold: 1e6, colour_limit: 0.06, acceptance: 0.95, rejected: {}, fitted_on: 'a test' },
});

async function check(page, state) {
  // Colours move for half a second when something changes; half-way they have no contrast.
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`),
    }));
  });
  assert.deepEqual(violations, [], state);
}

describe('accessibility', () => {
  let browser, server, path, shipped;

  before(async () => {
    browser = await launch();
    server = await record();
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    path = `models/${index.default}/model.json`;
    shipped = await (await fetch(server.url + path)).json();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function withModel(above, act) {
    const manifest = { ...shipped, format_version: 2, trust: trust(above) };
    server.answer(path, () => ({ body: Buffer.from(JSON.stringify(manifest)) }));
    try {
      return await act();
    } finally {
      server.restore(path);
    }
  }

  for (const { name, ...look } of LOOKS) {
    test(`empty, answered, refused, complained, and the sheets: ${name}`, async () => {
      const page = await withModel(1, () => openReady(browser, server.url, { query: QUERY, ...look }));
      await check(page, 'empty');
      await drop(page, 'scan.png', png(200, 160));
      await result(page, 'scan.png');
      await page.click('.caution summary');
      await check(page, 'answered');
      await page.check('#contour');
      for (const part of ['compare', 'inside', 'poke']) await page.click(`#${part} > summary`);
      await page.waitForFunction(() => document.querySelectorAll('.cell').length > 9 && document.querySelector('#channels li'));
      await page.locator('#turn').fill('20');
      await page.waitForFunction(() => document.querySelector('.poke-table td:last-child').textContent);
      await check(page, 'the lab');
      for (const part of ['compare', 'inside', 'poke']) await page.click(`#${part} > summary`);
      await page.click('.verdict .facts-button');
      await check(page, 'facts');
      await page.keyboard.press('Escape');
      await page.click('#diagnostics-button');
      await page.click('#diagnostics-copy');
      await page.waitForFunction(() => document.querySelector('#diagnostics-text').value);
      await check(page, 'diagnostics');
      await page.keyboard.press('Escape');
      await drop(page, 'house.png', photograph(240, 180));
      await result(page, 'house.png');
      await check(page, 'refused');
      await page.click('#anyway');
      await check(page, 'refused, with numbers');
      await drop(page, 'empty.png', Buffer.alloc(0));
      await page.waitForSelector('#alert .banner');
      await check(page, 'complained');
      await page.context().close();
    });

    test(`loading, unsure, failed: ${name}`, async () => {
      let release;
      const held = new Promise((done) => (release = done));
      server.answer('samples/index.json', () => held);
      const page = await withModel(1e-6, async () => {
        const page = await open(browser, server.url, { query: `${QUERY}&lang=${look.locale ?? 'en'}`, ...look });
        await page.waitForSelector('.loading');
        await drop(page, 'scan.png', png(200, 160));
        await page.waitForSelector('.activity');
        await check(page, 'loading');
        release();
        await ready(page);
        return page;
      });
      server.restore('samples/index.json');
      await result(page, 'scan.png');
      assert.equal(await page.getAttribute('.verdict', 'data-kind'), 'unsure');
      await check(page, 'unsure');
      server.answer('models/index.json', () => ({ status: 404, body: Buffer.from('gone') }));
      await page.reload();
      await page.waitForSelector('.failure');
      server.restore('models/index.json');
      await check(page, 'failed');
      await page.context().close();
    });
  }

  test('by keyboard alone: everything is reached, in order, and the focus is seen', async () => {
    const page = await openReady(browser, server.url, { query: QUERY, reducedMotion: 'reduce' });
    await drop(page, 'scan.png', png(200, 160));
    await result(page, 'scan.png');
    const reached = new Set();
    for (let press = 0; press < 60; press += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === document.body) return undefined;
        const seen = element.closest('.bar') ?? element;
        const { outlineStyle, outlineWidth } = getComputedStyle(seen);
        const box = seen.getBoundingClientRect();
        return {
          name: element.id || element.name || [...element.classList].pop() || element.localName,
          outline: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
          visible: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        };
      });
      if (!at) break;
      assert.ok(at.outline, `the focus on ${at.name} is not seen`);
      assert.ok(at.visible, `${at.name} has the focus out of sight`);
      reached.add(at.name);
    }
    const wanted = ['language', 'open-another', 'heat-shown', 'opacity', 'words-shown', 'class', 'facts-button', 'summary', 'sample', 'diagnostics-button'];
    for (const name of wanted) assert.ok(reached.has(name), `${name} is not among ${[...reached]}`);
    await page.context().close();
  });

  test('progress and the answer are announced', async () => {
    let release;
    const held = new Promise((done) => (release = done));
    server.answer('models/index.json', () => held);
    const page = await open(browser, server.url, { query: QUERY });
    await page.waitForSelector('#status', { state: 'attached' });
    assert.equal(await page.getAttribute('#status', 'role'), 'status');
    await page.evaluate(() => {
      const status = document.querySelector('#status');
      globalThis.announced = [status.textContent.trim()];
      new MutationObserver(() => announced.push(status.textContent.trim())).observe(status, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    release();
    await ready(page);
    server.restore('models/index.json');
    await drop(page, 'scan.png', png(200, 160));
    const shown = await result(page, 'scan.png');
    const announced = await page.evaluate(() => announced.filter(Boolean));
    const answer = [`scan.png: ${shown.verdict}.`, shown.reason, 'Not a diagnosis.'].filter(Boolean).join(' ');
    const order = ['Loading the model.', 'Ready for a scan.', 'Working on scan.png.', answer];
    const places = order.map((line) => announced.lastIndexOf(line));
    assert.ok(places.every((place, index) => place >= 0 && (index === 0 || place > places[index - 1])), JSON.stringify(announced));
    assert.ok(announced.length < 12, `too much is said: ${JSON.stringify(announced)}`);
    await page.context().close();
  });

  test('nothing moves for who asks for rest', async () => {
    const page = await openReady(browser, server.url, { query: QUERY, reducedMotion: 'reduce' });
    await drop(page, 'scan.png', png(200, 160));
    await result(page, 'scan.png');
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((element) => {
          const { transitionDuration, animationDuration, animationName } = getComputedStyle(element);
          const long = (text) => text.split(',').some((time) => Number.parseFloat(time) > 0.01);
          return long(transitionDuration) || (animationName !== 'none' && long(animationDuration));
        })
        .map((element) => element.className),
    );
    assert.deepEqual(moving, []);
    await page.context().close();
  });

  test('everything to touch is large enough', async () => {
    for (const width of [320, 390]) {
      const viewport = { width, height: 700 };
      const page = await openReady(browser, server.url, { query: QUERY, viewport, hasTouch: true, isMobile: true });
      await drop(page, 'scan.png', png(200, 160));
      await result(page, 'scan.png');
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, select, summary, label, a[href], textarea')]
          .map((element) => [element.id || element.className || element.localName, element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.height < 24 || box.width < 24))
          .map(([name, box]) => `${name} ${box.width} x ${box.height}`),
      );
      assert.deepEqual(small, []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await page.context().close();
    }
  });
});
