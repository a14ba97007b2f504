// The answer: a class, a doubt or a refusal with its reason, the model's facts, the heat map in words.
// The thresholds are the test's own, so that a model with any or without them passes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agrees, drop, launch, noProblems, openReady, read, record, result, screenshot } from './harness.mjs';
import { photograph, png } from './images.mjs';

const QUERY = '?backend=cpu';

/** A manifest's thresholds. Energy needs no tensors beside the weights. */
const trust = ({ above = 1, strange = 1e6, colour = 0.06 } = {}) => ({
  uncertainty: {
    method: 'entropy',
    abstain_above: above,
    coverage: 0.9,
    selective_accuracy: 0.99,
    aurc: 0.01,
    fitted_on: 'a test',
  },
  ood: {
    method: 'energy',
    threshold: strange,
    colour_limit: colour,
    acceptance: 0.95,
    rejected: { colour_noise: 1 },
    fitted_on: 'a test',
  },
});

describe('the answer', () => {
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

  /** Opens the page with some of the manifest's fields replaced; `undefined` leaves one out. */
  async function openWith(fields, options = {}) {
    const manifest = { ...shipped, format_version: 2, ...fields };
    server.answer(path, () => ({ body: Buffer.from(JSON.stringify(manifest)) }));
    try {
      return await openReady(browser, server.url, { query: QUERY, ...options });
    } finally {
      server.restore(path);
    }
  }

  async function classify(page, name, bytes) {
    await drop(page, name, bytes);
    return result(page, name);
  }

  test('the served model says no more than its manifest allows', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const shown = await classify(page, 'scan.png', png(200, 160));
    agrees(shown);
    const measured = shipped.trust?.uncertainty;
    assert.match(shown.uncertainty, measured ? /^(low|medium|high), [\d.]+ \(above / : /no measured threshold/);
    assert.equal(await page.textContent('#calibrated'), shipped.calibration ? 'calibrated' : 'not calibrated');
    if (!shipped.trust) assert.equal(shown.kind, 'class');
    await noProblems(page);
    await page.context().close();
  });

  test('a colour photograph is refused with the reason, its numbers are there on request', async () => {
    const page = await openWith({ trust: trust() });
    const refused = await classify(page, 'house.png', photograph(240, 180));
    agrees(refused);
    assert.equal(refused.kind, 'strange');
    assert.match(refused.reason, /^It is a colour picture, .*\(colourfulness [\d.]+, limit 0\.06/);
    const spoken = await page.textContent('#status');
    assert.ok(spoken.includes(refused.verdict) && spoken.includes(refused.reason), spoken);
    await screenshot(page, 'answer-refused');
    const button = page.locator('#anyway');
    assert.equal(await button.getAttribute('aria-expanded'), 'false');
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    assert.ok((await read(page)).bars.every((bar) => bar.percent.endsWith('%')));
    await screenshot(page, 'answer-refused-anyway');
    // A new file starts anew: a slice has an answer, the next photograph hides its numbers again.
    const slice = await classify(page, 'scan.png', png(200, 160));
    assert.equal(slice.kind, 'class');
    assert.equal(await page.locator('#anyway').count(), 0);
    agrees(await classify(page, 'house-again.png', photograph(200, 200)));
    await noProblems(page);
    await page.context().close();
  });

  test('without thresholds the same photograph gets a class, and the page says why', async () => {
    const page = await openWith({ trust: undefined });
    const shown = await classify(page, 'house.png', photograph(240, 180));
    agrees(shown);
    assert.equal(shown.kind, 'class');
    assert.match(shown.uncertainty, /no measured threshold/);
    assert.match(shown.caution, /even for one of a cat/);
    await page.context().close();
  });

  test('a picture with strange features is refused', async () => {
    const page = await openWith({ trust: trust({ strange: -1e6 }) });
    const shown = await classify(page, 'scan.png', png(200, 160));
    agrees(shown);
    assert.equal(shown.kind, 'strange');
    assert.match(shown.reason, /unlike what it found in its training images \(strangeness /);
    assert.doesNotMatch(shown.heat, /of the head/);
    assert.doesNotMatch(shown.caution, /\bcat\b/);
    await page.context().close();
  });

  test('an answer less sure than the threshold names two classes', async () => {
    const page = await openWith({ trust: trust({ above: 1e-6 }) });
    const shown = await classify(page, 'scan.png', png(200, 160));
    agrees(shown);
    assert.equal(shown.kind, 'unsure');
    const [first, second] = shown.bars.toSorted((a, b) => Number.parseFloat(b.width) - Number.parseFloat(a.width));
    assert.equal(shown.verdict, `Unsure between ${first.name} and ${second.name}`);
    assert.ok(shown.reason.includes(`${first.name} ${first.percent}, ${second.name} ${second.percent}`), shown.reason);
    assert.match(shown.uncertainty, /^high, /);
    await screenshot(page, 'answer-unsure');
    await page.context().close();
  });

  test('an answer surer than the threshold names one', async () => {
    const page = await openWith({ trust: trust() });
    const shown = await classify(page, 'scan.png', png(200, 160));
    agrees(shown);
    assert.equal(shown.kind, 'class');
    assert.match(shown.uncertainty, /^(low|medium), /);
    await page.context().close();
  });

  test('the facts open by keyboard and close by Esc, and the focus comes back', async () => {
    const page = await openWith({
      trust: trust({ above: 0.45 }),
      calibration: { temperature: 1.31, fitted_on: 'a validation part', ece_before: 0.041, ece_after: 0.012 },
      facts: {
        data: 'Some images of somewhere',
        accuracy: '12.3 % of 45 images',
        intended_use: 'Only for this test.',
        limits: ['Knows nothing of knees', 'Weak on Mondays'],
      },
    });
    await classify(page, 'scan.png', png(200, 160));
    const button = page.locator('.verdict .facts-button');
    const state = () =>
      page.evaluate(() => ({
        open: document.querySelector('#facts').open,
        inside: Boolean(document.activeElement.closest('#facts')),
        opener: document.activeElement.matches('.verdict .facts-button'),
      }));
    for (const key of ['Enter', 'Space']) {
      await button.focus();
      await page.keyboard.press(key);
      assert.deepEqual(await state(), { open: true, inside: true, opener: false });
      await page.keyboard.press('Escape');
      assert.deepEqual(await state(), { open: false, inside: false, opener: true });
    }
    await button.click();
    const text = await page.locator('#facts').innerText();
    for (const part of [
      shipped.title,
      shipped.weights.sha256,
      shipped.weights.file,
      shipped.weights.size.toLocaleString('en'),
      shipped.licence,
      ...shipped.training.data.map((source) => source.name),
      shipped.training.split.method,
      'Some images of somewhere',
      '12.3 % of 45 images',
      'Only for this test.',
      'Knows nothing of knees',
      'Weak on Mondays',
      '1.31',
      '4.1%',
      '1.2%',
      '0.45',
      'colour noise',
      ...shipped.metrics.flatMap((metrics) => [metrics.data, `${(metrics.accuracy * 100).toFixed(1)}%`]),
    ]) {
      assert.ok(text.includes(part), `${part} is missing in ${text}`);
    }
    await screenshot(page, 'facts');
    await page.click('#facts .close');
    assert.equal((await state()).open, false);
    await button.click();
    await page.mouse.click(5, 400);
    assert.equal((await state()).open, false, 'a press beside it closes it');
    await page.locator('footer .facts-button').click();
    assert.equal((await state()).open, true);
    await noProblems(page);
    await page.context().close();
  });

  test('the facts of the served model are its manifest\'s', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await page.click('.verdict .facts-button');
    const text = await page.locator('#facts').innerText();
    assert.ok(text.includes(shipped.weights.sha256));
    const floor = shipped.metrics[0]?.nearest_neighbour_accuracy;
    if (floor) assert.ok(text.includes(`${(floor * 100).toFixed(1)}%`), text);
    for (const limit of shipped.facts?.limits ?? []) assert.ok(text.includes(limit), limit);
    if (!shipped.trust) assert.match(text, /no measured threshold/);
    await page.context().close();
  });

  test('the heat map in words: where, how far, how strong', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await classify(page, 'scan.png', png(200, 160));
    const { heat } = await read(page);
    assert.match(heat, /strongest (in|between|at) .*(quadrants?|centre) of the (head as pictured|picture|part that the network saw),/);
    assert.match(heat, /covers (less than )?\d+% of the picture/);
    assert.match(heat, /It is strong: no other of the \d+ classes has more\.$|% of its strength\.$/);
    const [, left, top] = heat.match(/(\d+)% from the left and (?:less than )?(\d+)% from the top/);
    const ring = await page.$eval('.peak', (peak) => [peak.style.left, peak.style.top].map(Number.parseFloat));
    assert.ok(Math.abs(ring[0] - left) <= 1 && Math.abs(ring[1] - top) <= 1, `${ring} against ${heat}`);
    const weaker = page.locator('.bar:not(.predicted)').first();
    await weaker.click();
    assert.ok((await page.getAttribute('#overlay', 'aria-label')).includes(await weaker.locator('.name').textContent()));
    assert.equal(await page.getAttribute('#overlay', 'aria-describedby'), 'heat-text');
    // Out of sight the words stay there for a screen reader.
    await page.uncheck('#words-shown');
    const hidden = await page.locator('#heat-text').boundingBox();
    assert.ok(hidden.width <= 1 && hidden.height <= 1, JSON.stringify(hidden));
    assert.match((await read(page)).heat, /strongest|Nothing in the picture/);
    await page.check('#words-shown');
    assert.ok((await page.locator('#heat-text').boundingBox()).height > 10);
    await page.context().close();
  });

  for (const colorScheme of ['dark', 'light']) {
    test(`a refusal and the facts can be read in ${colorScheme} mode on 320 pixels`, async () => {
      const page = await openWith(
        { trust: trust() },
        { colorScheme, viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, reducedMotion: 'reduce' },
      );
      await classify(page, 'house.png', photograph(240, 180));
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(await wide(), 0);
      await screenshot(page, `answer-${colorScheme}-320`, { fullPage: true });
      await page.click('.verdict .facts-button');
      assert.equal(await wide(), 0);
      const sheet = await page.$eval('#facts', (facts) => [facts.scrollWidth, facts.clientWidth]);
      assert.ok(sheet[0] <= sheet[1], `the facts are ${sheet[0]} pixels wide in ${sheet[1]}`);
      await screenshot(page, `facts-${colorScheme}-320`);
      const faint = await page.evaluate(() => {
        const values = (colour) => colour.match(/[\d.]+/g).map(Number);
        const ground = (element) => {
          for (let at = element; at; at = at.parentElement) {
            const [red, green, blue, alpha = 1] = values(getComputedStyle(at).backgroundColor);
            if (alpha === 1) return [red, green, blue];
          }
          return [255, 255, 255];
        };
        const luminance = (colour) => {
          const [red, green, blue] = colour.map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const words =
          '.verdict .eyebrow, #verdict, #reason, .doubt dt, .doubt dd, .anyway, .bars .name, .engine, .model-line span, ' +
          '.facts-button, #facts p, #facts h3, #facts h4, #facts dt, #facts dd, #facts li, #facts th, #facts td, #facts caption';
        return [...document.querySelectorAll(words)]
          .map((element) => {
            const ink = luminance(values(getComputedStyle(element).color));
            const paper = luminance(ground(element));
            const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
            return { text: element.textContent.trim().slice(0, 30), contrast };
          })
          .filter(({ contrast }) => contrast < 4.5);
      });
      assert.deepEqual(faint, []);
      await noProblems(page);
      await page.context().close();
    });
  }
});
