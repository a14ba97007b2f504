// A folder with one folder per class: the numbers, counted a second time here.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, noProblems, openReady, record, screenshot } from './harness.mjs';
import { phantom, png } from './images.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';

/** Folders by the spellings of public sets, one class that no model knows, and a file beside them. */
const FOLDERS = { glioma_tumor: 5, 'No Tumour': 4, Pituitary: 3, metastasis: 2 };

function scan(number) {
  const [width, height] = [110 + 9 * (number % 7), 140 + 5 * (number % 3)];
  const pixels = phantom(width, height);
  const spot = (number * 53) % 256;
  return png(width, height, Buffer.from(pixels.map((value, at) => (value === 225 ? spot : value && (value + ((at * number) % 23))) & 255)));
}

function auc(scores) {
  let [won, pairs] = [0, 0];
  for (const [a, positive] of scores) {
    if (!positive) continue;
    for (const [b, other] of scores) {
      if (other) continue;
      pairs += 1;
      won += a > b ? 1 : a === b ? 0.5 : 0;
    }
  }
  return pairs ? won / pairs : null;
}

const close = (found, expected, what) =>
  assert.ok(found === expected || Math.abs(found - expected) < 1e-5, `${what}: ${found} is not ${expected}`);

describe('a labelled folder', () => {
  let browser, server, folder;

  before(async () => {
    browser = await launch();
    server = await record();
    folder = mkdtempSync(join(tmpdir(), 'labelled-'));
    let number = 1;
    for (const [name, count] of Object.entries(FOLDERS)) {
      mkdirSync(join(folder, 'Testing', name), { recursive: true });
      for (let index = 0; index < count; index += 1) {
        writeFileSync(join(folder, 'Testing', name, `scan${index}.png`), scan(number));
        number += 1;
      }
    }
    writeFileSync(join(folder, 'Testing', 'glioma_tumor', 'broken.png'), 'no picture');
    writeFileSync(join(folder, 'slices.csv'), 'path,label\n');
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function evaluated(look = {}) {
    const page = await openReady(browser, server.url, { query: QUERY, ...look });
    await page.evaluate(() => (document.querySelector('#file').webkitdirectory = true));
    await page.setInputFiles('#file', folder);
    await page.waitForSelector('.evaluate[data-status="done"]', { timeout: 60_000 });
    await page.waitForSelector('#confusion');
    return page;
  }

  test('folders of other names make a table that says what to do', async () => {
    const other = mkdtempSync(join(tmpdir(), 'called-otherwise-'));
    for (const [index, name] of ['G', 'M'].entries()) {
      mkdirSync(join(other, name));
      writeFileSync(join(other, name, 'scan.png'), scan(index + 1));
    }
    const page = await openReady(browser, server.url, { query: QUERY });
    await page.evaluate(() => (document.querySelector('#file').webkitdirectory = true));
    await page.setInputFiles('#file', other);
    await page.waitForSelector('.batch[data-status="done"]', { timeout: 60_000 });
    assert.match(await page.textContent('#table-folders'), /called “G”, “M”.*“glioma”, “meningioma”/);
    await page.context().close();
    rmSync(other, { recursive: true, force: true });
  });

  test('the numbers are those of an independent count', async () => {
    const page = await evaluated();
    assert.equal(await page.textContent('#requests'), '0');
    const notes = await page.locator('.left-out li').allTextContents();
    assert.equal(notes.length, 2, notes.join());
    assert.match(notes.join(), /1 file that lies in no class folder/);
    assert.match(notes.join(), /metastasis, 2 files/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-json')]);
    const { classes, images, metrics } = JSON.parse(readFileSync(await download.path(), 'utf8'));
    assert.equal(images.length, 13);
    const answered = images.filter((image) => !image.error);
    assert.equal(answered.length, 12);
    assert.equal(metrics.images, 12);
    assert.deepEqual(
      ['glioma', 'notumor', 'pituitary'].map((name) => answered.filter((image) => image.label === name).length),
      [5, 4, 3],
    );
    const right = answered.filter((image) => image.label === image.predicted).length;
    close(metrics.accuracy, right / 12, 'accuracy');
    // Wilson's interval, from its definition: where the share differs from p by 1.96 deviations under p.
    for (const bound of metrics.accuracy_interval) {
      if (bound > 0 && bound < 1) {
        const deviation = Math.sqrt((bound * (1 - bound)) / 12);
        close(Math.abs(right / 12 - bound) / deviation, 1.959964, 'interval');
      }
    }
    const aucs = [];
    classes.forEach((name, index) => {
      const expected = auc(answered.map((image) => [image.probabilities[name], image.label === name]));
      close(metrics.per_class[name].auc, expected, `AUC of ${name}`);
      if (expected !== null) aucs.push(expected);
      const of = answered.filter((image) => image.label === name);
      const named = answered.filter((image) => image.predicted === name);
      const both = of.filter((image) => image.predicted === name).length;
      if (of.length) {
        close(metrics.per_class[name].recall, both / of.length, 'recall');
        close(metrics.per_class[name].precision, named.length ? both / named.length : 0, 'precision');
        close(metrics.per_class[name].f1, both ? (2 * both) / (of.length + named.length) : 0, 'F1');
      } else assert.equal(metrics.per_class[name].recall, null);
      classes.forEach((other, column) => {
        assert.equal(metrics.confusion[index][column], of.filter((image) => image.predicted === other).length);
      });
    });
    close(metrics.auc_macro, aucs.reduce((sum, value) => sum + value, 0) / aucs.length, 'macro AUC');
    const bins = Array.from({ length: 15 }, () => []);
    for (const image of answered) {
      const confidence = image.probabilities[image.predicted];
      bins[Math.max(1, Math.ceil(confidence * 15)) - 1].push([confidence, image.label === image.predicted]);
    }
    const mean = (values) => values.reduce((sum, value) => sum + Number(value), 0) / values.length;
    const error = bins
      .filter((bin) => bin.length)
      .reduce((sum, bin) => sum + (bin.length / 12) * Math.abs(mean(bin.map((b) => b[0])) - mean(bin.map((b) => b[1]))), 0);
    close(metrics.ece, error, 'ECE');
    // The page shows the same.
    const cells = await page.locator('#confusion tbody tr').evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))),
    );
    assert.deepEqual(cells, metrics.confusion);
    assert.ok((await page.textContent('#accuracy')).startsWith(`${((right / 12) * 100).toFixed(1)}%`));
    // Mistakes come first, the broken file last.
    const order = await page.locator('.answers[id=""], .answers:not([id])').locator('tbody tr').evaluateAll((rows) =>
      rows.map((row) => [row.classList.contains('mistake'), row.dataset.path]),
    );
    const mistakes = order.map(([mistake]) => mistake);
    assert.deepEqual(mistakes, [...mistakes].sort((a, b) => b - a));
    assert.equal(mistakes.filter(Boolean).length, 12 - right);
    assert.match(order.at(-1)[1], /broken\.png$/);
    await noProblems(page);
    await page.context().close();
  });

  for (const [name, look] of Object.entries({
    dark: { colorScheme: 'dark' },
    light: { colorScheme: 'light' },
    'dark-390': { colorScheme: 'dark', viewport: { width: 390, height: 780 } },
    'light-320': { colorScheme: 'light', viewport: { width: 320, height: 640 } },
    arabic: { colorScheme: 'dark', locale: 'ar' },
  })) {
    test(`accessible: ${name}`, async () => {
      const page = await evaluated(look);
      await page.waitForTimeout(600);
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () => {
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.failureSummary).join(' ')}`);
      });
      assert.deepEqual(violations, []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      await screenshot(page, `evaluate-${name}`, { fullPage: true });
      await noProblems(page);
      await page.context().close();
    });
  }
});
