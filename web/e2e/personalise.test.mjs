// Personalise: scans of one's own, by class, change the model's answers, and nothing of them leaves the machine.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { drop, dropAll, launch, noProblems, openReady, PATIENCE, record, result, screenshot, withoutThresholds } from './harness.mjs';
import { phantom, png, tiff } from './images.mjs';
import { nifti, series } from './volumes.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';
const CLASSES = ['glioma', 'meningioma', 'notumor', 'pituitary'];

/** Two kinds of heads that anybody tells apart: one with a bright spot, one with broad stripes. */
function scan(kind, number) {
  const [width, height] = [112 + 8 * (number % 4), 136 + 4 * (number % 3)];
  const pixels = phantom(width, height);
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const inside = pixels[at] > 0 && pixels[at] !== 225;
    if (kind === 'stripes' && pixels[at] > 0) pixels[at] = Math.floor((y + number) / 9) % 2 ? 60 : 190;
    if (inside) pixels[at] += (x * (number + 2) + y * 3) % 13;
  }
  return png(width, height, pixels);
}

const named = (kind, count, first = 0) =>
  Array.from({ length: count }, (_, index) => ({ name: `${kind}${first + index}.png`, bytes: scan(kind, first + index) }));

async function check(page, state) {
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary}`).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${state}: ${wide} px too wide`);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('.bench button, .bench summary')]
      .map((element) => [element.id || element.className, element.getBoundingClientRect()])
      .filter(([, box]) => box.width > 1 && (box.height < 24 || box.width < 24))
      .map(([name, box]) => `${name} ${box.width} x ${box.height}`),
  );
  assert.deepEqual(small, [], state);
}

const stage = (page, word) => page.waitForSelector(`.personalise[data-stage="${word}"]`, { timeout: PATIENCE });

/** Opens the view and waits until it takes scans. */
async function personalise(page) {
  await page.click('#personalise');
  await stage(page, 'ready');
}

async function add(page, name, files) {
  await page.setInputFiles(
    `.tune-class[data-name="${name}"] input`,
    files.map(({ name, bytes }) => ({ name, mimeType: 'image/png', buffer: Buffer.from(bytes) })),
  );
}

async function says(page, pattern) {
  await page.waitForFunction(
    (source) => new RegExp(source).test(document.querySelector('#tune-said')?.textContent ?? ''),
    pattern.source,
    { timeout: PATIENCE },
  );
}

async function tune(page) {
  await page.click('#tune-start');
  await stage(page, 'done');
}

/** `[right, all]` of a row of the table of numbers. */
async function right(page, row) {
  const text = await page.textContent(`#${row} td`);
  return text.match(/^(\d+) of (\d+)/).slice(1).map(Number);
}

/** The files of a zip archive that stores them as they are. */
function unzip(bytes) {
  const files = {};
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    assert.equal(bytes.readUInt16LE(at + 8), 0, 'it is compressed');
    const [size, name, extra] = [bytes.readUInt32LE(at + 18), bytes.readUInt16LE(at + 26), bytes.readUInt16LE(at + 28)];
    const start = at + 30 + name + extra;
    files[bytes.toString('utf8', at + 30, at + 30 + name)] = bytes.subarray(start, start + size);
    at = start + size;
  }
  return files;
}

async function predicted(page, name, bytes) {
  await drop(page, name, bytes);
  const shown = await result(page, name);
  return shown.bars.find((bar) => bar.predicted).class;
}

describe('personalise', () => {
  let browser, server, parent, wrong, agreed;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    await withoutThresholds(server);
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    parent = await (await fetch(`${server.url}models/${index.default}/model.json`)).json();
    // What the model says of each kind; it is to learn something else.
    const page = await openReady(browser, server.url, { query: QUERY });
    wrong = {};
    agreed = 0;
    for (const kind of ['spot', 'stripes']) {
      const answers = [];
      for (let number = 0; number < 6; number += 1) answers.push(await predicted(page, `${kind}-${number}.png`, scan(kind, number)));
      const count = (name) => answers.filter((answer) => answer === name).length;
      const free = CLASSES.filter((name) => name !== wrong.spot);
      wrong[kind] = free.reduce((best, name) => (count(name) < count(best) ? name : best));
      agreed += count(wrong[kind]);
    }
    assert.ok(agreed < 6, 'the labels are not wrong for the model');
    await page.context().close();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('a few scans teach it; the download, dropped on the page, says so; nothing is sent', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.equal(server.count(/tuner/), 0, 'the tuner was fetched before anybody asked for it');
    await personalise(page);
    assert.equal(server.count(/^scanlight-tuner_bg\.wasm$/), 1);
    const asked = server.requests.length;
    // A bad file, and a picture that is there already.
    const bad = { name: 'text.png', bytes: Buffer.from('This is a text, whatever its name says.\n') };
    await add(page, wrong.spot, [...named('spot', 6), bad, { ...named('spot', 1)[0], name: 'again.png' }]);
    await says(page, /At least 2 classes need 2 scans each\. So far 1 class has enough/);
    assert.equal(await page.getAttribute('#tune-start', 'aria-disabled'), 'true');
    await page.click('#tune-start', { force: true });
    await stage(page, 'ready');
    await add(page, wrong.stripes, named('stripes', 6));
    await says(page, /Ready to train on 12 scans/);
    const left = (await page.locator('#tune-left-out li').allTextContents()).join('\n');
    assert.match(left, /text\.png.*no file that can be read here/);
    assert.match(left, /again\.png.*the same picture as .*spot0\.png/);
    assert.equal(await page.locator('.tune-scans li.differs').count(), 12 - agreed);
    // One is taken away, and comes again.
    await page.click('.tune-scans li[data-path="stripes5.png"] .tune-remove');
    await says(page, /Ready to train on 11 scans/);
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains('tune-add')), 'the focus is lost');
    await add(page, wrong.stripes, named('stripes', 1, 5));
    await says(page, /Ready to train on 12 scans/);
    await tune(page);
    assert.deepEqual(await right(page, 'tune-before'), [agreed, 12]);
    const [good, all] = await right(page, 'tune-after');
    assert.equal(all, 12);
    assert.ok(good >= 11, `${good} of 12 right after`);
    assert.match(await page.textContent('#tune-better'), /right more often/);
    assert.match(await page.textContent('#tune-how'), /all the others/);
    assert.match(await page.textContent('.tune-notes'), /It saw no scans of: /);
    // The curve in words, as a picture and as a table says the same.
    const points = Number(await page.getAttribute('.tune-curve svg', 'data-points'));
    assert.ok(points > 15, `${points} points`);
    const drawn = await page.getAttribute('.tune-curve polyline.learned', 'points');
    assert.equal(drawn.split(' ').length, points);
    await page.click('.tune-curve summary');
    const rows = await page.locator('#tune-table tbody tr').evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => Number(cell.textContent))),
    );
    assert.equal(rows.at(-1)[0], points - 1);
    assert.ok(rows.at(-1)[1] < rows[0][1] / 2 && rows.at(-1)[2] < rows[0][2] / 2, JSON.stringify(rows));
    const words = await page.getAttribute('.tune-curve svg', 'aria-label');
    for (const number of [...rows[0].slice(1), ...rows.at(-1)]) assert.ok(words.includes(String(number)), `${number} in ${words}`);
    assert.equal(await page.textContent('#requests'), '0');
    assert.deepEqual(server.requests.slice(asked), []);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#tune-save')]);
    const archive = readFileSync(await download.path());
    const files = unzip(archive);
    const manifest = JSON.parse(files['model.json']);
    assert.equal(download.suggestedFilename(), `${manifest.id}.zip`);
    assert.equal(createHash('sha256').update(files[manifest.weights.file]).digest('hex'), manifest.weights.sha256);
    assert.equal(manifest.training.initial.name, parent.id);
    assert.equal(manifest.training.initial.sha256, parent.weights.sha256);
    assert.deepEqual(manifest.training.data[0].images.train, { [wrong.spot]: 6, [wrong.stripes]: 6 });
    assert.equal(manifest.metrics.length, 1);
    assert.equal(manifest.metrics[0].images, 12);
    assert.equal(manifest.metrics[0].accuracy, good / 12);
    assert.match(manifest.metrics[0].remark, new RegExp(`Before, .*: ${agreed} of 12 right`));
    assert.match(manifest.calibration.fitted_on, /nothing of this model/);
    assert.ok(!JSON.stringify(manifest).includes(String(parent.metrics[0].accuracy)), 'the parent’s accuracy is claimed');

    await page.click('#bench-close');
    await drop(page, 'personal.zip', archive);
    await page.waitForSelector('[data-own="true"] input:checked');
    await page.waitForSelector('main[data-phase="ready"]');
    // Scans that it has not seen at all.
    assert.equal(await predicted(page, 'new-spot.png', scan('spot', 9)), wrong.spot);
    assert.equal(await predicted(page, 'new-stripes.png', scan('stripes', 11)), wrong.stripes);
    assert.deepEqual(server.requests.slice(asked), []);
    await noProblems(page);
    await page.context().close();
  });

  test('it is used at once, and training can be ended and begun again', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await personalise(page);
    await add(page, wrong.spot, named('spot', 5));
    await add(page, wrong.stripes, named('stripes', 5));
    await says(page, /Ready to train on 10 scans/);
    const asked = server.requests.length;
    await page.evaluate(() => {
      new MutationObserver((_, observer) => {
        const cancel = document.querySelector('#tune-cancel');
        if (cancel) {
          observer.disconnect();
          cancel.click();
        }
      }).observe(document.body, { childList: true, subtree: true });
    });
    await page.click('#tune-start');
    await says(page, /Ready to train on 10 scans/);
    assert.equal(await page.locator('#tune-numbers').count(), 0, 'it was not ended');
    await tune(page);
    await page.click('#tune-use');
    await page.waitForSelector('[data-own="true"] input:checked');
    await page.waitForSelector('main[data-phase="ready"]');
    assert.match(await page.textContent('#tune-used'), /your model from now on/);
    // Back, one class less: what is missing is said, and the numbers are gone.
    await page.click('#tune-back');
    await says(page, /Ready to train on 10 scans/);
    await page.click('#bench-close');
    assert.equal(await predicted(page, 'new-stripes.png', scan('stripes', 11)), wrong.stripes);
    assert.equal(await page.textContent('#requests'), '0');
    assert.deepEqual(server.requests.slice(asked), []);
    await page.click('#remove-own');
    await page.waitForFunction(() => !document.querySelector('[data-own="true"]'));
    await page.waitForSelector('main[data-phase="ready"]');
    assert.notEqual(await predicted(page, 'old-stripes.png', scan('stripes', 11)), wrong.stripes);
    await noProblems(page);
    await page.context().close();
  });

  test('a model that refuses pictures accepts its own scans afterwards', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const other = join(import.meta.dirname, '../../trainer/reports/nickparvar');
    await dropAll(page, ['model.json', 'model.safetensors'].map((name) => ({ name, bytes: readFileSync(join(other, name)) })));
    await page.waitForSelector('[data-own="true"] input:checked');
    await page.waitForSelector('main[data-phase="ready"]');
    await drop(page, 'spot.png', scan('spot', 0));
    assert.equal((await result(page, 'spot.png')).kind, 'strange', 'there is nothing to show here');
    await personalise(page);
    await add(page, 'glioma', named('spot', 3));
    await add(page, 'notumor', named('stripes', 3));
    await says(page, /Ready to train on 6 scans/);
    await tune(page);
    const notes = await page.textContent('.tune-notes');
    assert.match(notes, /the threshold was raised/);
    assert.match(notes, /never answers “unsure”/);
    await page.click('#tune-use');
    await page.waitForFunction(() => document.querySelector('#model')?.textContent.startsWith('nickparvar-personal '));
    await page.waitForSelector('main[data-phase="ready"]');
    await page.click('#bench-close');
    for (const [kind, name] of [['spot', 'Glioma'], ['stripes', 'No tumour']]) {
      await drop(page, `${kind}.png`, scan(kind, 1));
      const shown = await result(page, `${kind}.png`);
      assert.equal(shown.kind, 'class');
      assert.ok(shown.verdict.startsWith(name), shown.verdict);
    }
    // The facts say what it is.
    await page.click('.verdict .facts-button');
    const facts = await page.textContent('dialog[open]');
    assert.match(facts, /On own scans, each held out alone: \d of 6 right/);
    assert.match(facts, /It refuses less than its parent/);
    await noProblems(page);
    await page.context().close();
  });

  test('scans are what the trainer reads: DICOM, NIfTI, TIFF', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await personalise(page);
    const asked = server.requests.length;
    const [slice] = series([64, 80, 3]);
    await add(page, 'glioma', [{ name: 'slice', bytes: slice.bytes }, { name: 'head.nii', bytes: nifti([40, 48, 6]) }]);
    await add(page, 'notumor', [{ name: 'scan.tif', bytes: tiff(90, 120) }, { name: '.DS_Store', bytes: 'junk' }]);
    await page.waitForFunction(() => document.querySelectorAll('.tune-scans canvas:not([width="1"])').length === 3);
    assert.equal(await page.textContent('#tune-left-out'), '');
    assert.deepEqual(server.requests.slice(asked), []);
    await noProblems(page);
    await page.context().close();
  });

  test('scans dropped on a class are of that class; a bundle dropped there goes to the page', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await personalise(page);
    await dropAll(page, named('spot', 2), `.tune-class[data-name="${wrong.spot}"]`);
    await says(page, /So far 1 class has enough/);
    assert.equal(await page.locator(`.tune-class[data-name="${wrong.spot}"] li`).count(), 2);
    assert.equal(await page.locator('.veil.shown').count(), 0, 'the veil stays');
    // No folder tells which class this is of.
    await dropAll(page, named('spot', 1, 5), '.tune-setup');
    await page.waitForFunction(() => document.querySelector('#tune-left-out').textContent.includes('no class folder'));
    await dropAll(page, [{ name: 'model.json', bytes: '{' }], '.tune-setup');
    await page.waitForSelector('#alert .banner');
    await page.context().close();
  });

  test('a tuner that does not come says so, and is asked for again', async () => {
    server.answer('scanlight-tuner_bg.wasm', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await openReady(browser, server.url, { query: QUERY });
    await page.click('#personalise');
    await page.waitForSelector('#tune-failed');
    await add(page, wrong.spot, named('spot', 2));
    await page.waitForTimeout(500);
    assert.equal(await page.locator('.tune-scans canvas[width="1"]').count(), 2, 'a scan was read');
    server.restore('scanlight-tuner_bg.wasm');
    await page.click('#tune-again');
    await says(page, /So far 1 class has enough/);
    await page.context().close();
  });
});

describe('personalise with a labelled folder', () => {
  let browser, server, folder;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    folder = mkdtempSync(join(tmpdir(), 'personal-'));
    for (const [name, kind] of [['pituitary', 'spot'], ['glioma_tumor', 'stripes'], ['cyst', 'spot']]) {
      mkdirSync(join(folder, name));
      for (const { name: file, bytes } of named(kind, name === 'cyst' ? 1 : 3)) writeFileSync(join(folder, name, file), bytes);
    }
    writeFileSync(join(folder, 'glioma_tumor', 'broken.png'), 'no picture');
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('it is offered after the evaluation, for which nothing more is fetched', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await page.setInputFiles('#folder', folder);
    await page.waitForSelector('.evaluate[data-status="done"]', { timeout: PATIENCE });
    assert.equal(server.count(/^scanlight-tuner_bg\.wasm$/), 1);
    const asked = server.requests.length;
    await page.click('#tune-these');
    await says(page, /Ready to train on 6 scans/);
    assert.match(await page.textContent('#tune-left-out'), /broken\.png/);
    await tune(page);
    assert.equal((await right(page, 'tune-after'))[1], 6);
    await page.click('#tune-numbers-back');
    await page.waitForSelector('#confusion');
    assert.ok(await page.isVisible('#confusion'));
    await page.click('#tune-these');
    await stage(page, 'done');
    assert.equal(await page.textContent('#requests'), '0');
    assert.deepEqual(server.requests.slice(asked), []);
    await noProblems(page);
    await page.context().close();
  });

  test('a folder can be given to the view itself', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await personalise(page);
    await page.setInputFiles('#tune-folder', folder);
    await says(page, /Ready to train on 6 scans/);
    const left = await page.textContent('#tune-left-out');
    assert.match(left, /cyst, 1 file/);
    await page.context().close();
  });

  for (const [name, look] of Object.entries({
    dark: { colorScheme: 'dark' },
    light: { colorScheme: 'light' },
    'dark-390': { colorScheme: 'dark', viewport: { width: 390, height: 780 } },
    'light-320': { colorScheme: 'light', viewport: { width: 320, height: 640 } },
    arabic: { colorScheme: 'dark', locale: 'ar' },
    'arabic-320': { colorScheme: 'light', locale: 'ar', viewport: { width: 320, height: 640 } },
  })) {
    test(`accessible: ${name}`, async () => {
      const page = await openReady(browser, server.url, { query: QUERY, ...look });
      await personalise(page);
      await check(page, 'empty');
      await page.setInputFiles('#tune-folder', folder);
      await page.waitForFunction(() => document.querySelector('#tune-start')?.getAttribute('aria-disabled') === 'false');
      await check(page, 'ready');
      await screenshot(page, `personalise-ready-${name}`, { fullPage: true });
      await page.focus('#tune-start');
      await page.keyboard.press('Enter');
      await stage(page, 'done');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'tune-outcome-title');
      await page.click('.tune-curve summary');
      await check(page, 'done');
      await screenshot(page, `personalise-done-${name}`, { fullPage: true });
      await noProblems(page);
      await page.context().close();
    });
  }
});
