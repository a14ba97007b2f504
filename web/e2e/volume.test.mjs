// Volumes, series, archives and many files at once.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  PATIENCE, agrees, alertText, canvas, drop, dropAll, launch, noProblems, openReady, read, record, result, screenshot,
  withoutThresholds,
} from './harness.mjs';
import { phantom, png } from './images.mjs';
import { dicom, head, nifti, niftiGz, series, zip } from './volumes.mjs';

const DATA = process.env.SCANLIGHT_DATA;
const TRAINER = process.env.SCANLIGHT_TRAINER;
const MODELS = join(import.meta.dirname, '../../public/models');
const MODEL = join(MODELS, JSON.parse(readFileSync(join(MODELS, 'index.json'), 'utf8')).default);
// Nothing here takes minutes, and a browser that waits tells nothing.
const DIMS = [96, 112, 20];

/** The slice's number as the page shows it. */
const number = (page) => page.textContent('#slice-text');

/** The middle of the pane, on the screen. */
async function middle(page) {
  await page.locator('#pane').scrollIntoViewIfNeeded();
  const box = await page.locator('#pane').boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

async function letters(page) {
  const spans = await page.locator('.edges span').all();
  return (await Promise.all(spans.map((span) => span.textContent()))).join('');
}

async function settled(page, file) {
  const shown = await result(page, file);
  agrees(shown);
  return shown;
}

describe('volumes and series', () => {
  let browser;
  let server;
  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    await withoutThresholds(server);
  });
  after(async () => {
    await browser.close();
    await server.close();
  });
  const start = (options) => openReady(browser, server.url, { query: '?backend=cpu', ...options });

  test('a NIfTI volume opens in the middle of its own plane and is gone through', async () => {
    const page = await start();
    await drop(page, 'head.nii', nifti(DIMS, { spacing: [2, 2, 6] }));
    await settled(page, 'head.nii, axial slice 11 of 20');
    assert.equal(await number(page), '11 of 20');
    assert.equal(await letters(page), 'RLAP');
    const first = await canvas(page, '#scan');
    assert.deepEqual([first.width, first.height], [96, 112]);

    await page.focus('#slice');
    await page.keyboard.press('ArrowRight');
    await settled(page, 'head.nii, axial slice 12 of 20');
    await page.keyboard.press('Home');
    await settled(page, 'head.nii, axial slice 1 of 20');
    assert.notEqual((await canvas(page, '#scan')).hash, first.hash);
    await page.click('#slice-next');
    await settled(page, 'head.nii, axial slice 2 of 20');
    assert.equal(await page.getAttribute('#slice-previous', 'aria-disabled'), null);

    await page.mouse.move(...(await middle(page)));
    await page.mouse.wheel(0, 200);
    await settled(page, 'head.nii, axial slice 4 of 20');
    const [x, y] = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y + 73, { steps: 4 });
    await page.mouse.up();
    await settled(page, 'head.nii, axial slice 7 of 20');
    await noProblems(page);
    await page.context().close();
  });

  test('planes have square pixels and their letters', async () => {
    const page = await start();
    await drop(page, 'head.nii.gz', niftiGz(DIMS, { spacing: [2, 2, 6] }));
    await settled(page, 'head.nii.gz, axial slice 11 of 20');
    await page.check('#planes [value="sagittal"]', { force: true });
    await settled(page, 'head.nii.gz, sagittal slice 49 of 96');
    assert.equal(await letters(page), 'APSI');
    // 20 slices of 6 mm above 112 pixels of 2 mm: as tall as 60 of those.
    const sagittal = await canvas(page, '#scan');
    assert.deepEqual([sagittal.width, sagittal.height], [112, 60]);
    await page.check('#planes [value="coronal"]', { force: true });
    await settled(page, 'head.nii.gz, coronal slice 57 of 112');
    assert.equal(await letters(page), 'RLSI');
    await screenshot(page, 'volume-coronal');
    await noProblems(page);
    await page.context().close();
  });

  test('a file that does not say how the patient lies has no letters, and says so', async () => {
    const page = await start();
    await drop(page, 'plain.nii', nifti(DIMS, { oriented: false }));
    await settled(page, 'plain.nii, axial slice 11 of 20');
    assert.equal(await page.locator('.edges').count(), 0);
    assert.match(await page.textContent('#study-facts'), /does not say how the patient lies/);
    await page.context().close();
  });

  test('grey values and size change the picture, never the answer', async () => {
    const page = await start();
    await drop(page, 'head.nii', nifti(DIMS));
    const shown = await settled(page, 'head.nii, axial slice 11 of 20');
    const before = await canvas(page, '#scan');
    await page.selectOption('#window-preset', 'full');
    const full = await canvas(page, '#scan');
    await page.fill('#window-centre', '700');
    await page.keyboard.press('Tab');
    await page.fill('#window-width', '100');
    await page.keyboard.press('Tab');
    const narrow = await canvas(page, '#scan');
    assert.equal(await page.inputValue('#window-preset'), 'own');
    assert.equal(await page.inputValue('#window-centre'), '700');
    assert.equal(new Set([before.hash, full.hash, narrow.hash]).size >= 2, true);
    assert.notEqual(narrow.hash, full.hash);
    await page.check('#drag-tools [value="window"]', { force: true });
    const [x, y] = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y, { steps: 3 });
    await page.mouse.up();
    assert.ok(Number(await page.inputValue('#window-width')) > 150);
    await page.click('#zoom-in');
    await page.click('#zoom-in');
    assert.equal(await page.textContent('#zoom-text'), '156%');
    await page.mouse.move(...(await middle(page)));
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -240);
    await page.keyboard.up('Control');
    assert.equal(await page.textContent('#zoom-text'), '425%');
    await page.check('#drag-tools [value="pan"]', { force: true });
    const [left, top] = await middle(page);
    await page.mouse.move(left, top);
    await page.mouse.down();
    await page.mouse.move(left + 40, top + 30, { steps: 3 });
    await page.mouse.up();
    const transform = await page.locator('.lens').evaluate((lens) => lens.style.transform);
    const [across, down] = transform.match(/-?[\d.]+(?=%)/g).map(Number);
    assert.ok(across > 3 && down > 3, transform);
    assert.deepEqual((await read(page)).bars, shown.bars);
    await page.click('#zoom-reset');
    assert.equal(await page.textContent('#zoom-text'), '100%');
    assert.equal((await canvas(page, '#scan')).hash, before.hash);
    await noProblems(page);
    await page.context().close();
  });

  test('a series of DICOM files is one volume, and names what may identify the patient', async () => {
    const page = await start();
    const files = series([96, 112, 9]);
    await dropAll(page, [...files, { name: 'notes.txt', bytes: Buffer.from('no scan') }].reverse());
    await page.waitForSelector('#study');
    await page.waitForFunction(() => /axial slice 5 of 9/.test(document.querySelector('#file-name')?.textContent ?? ''));
    const identifying = await page.textContent('#identifying');
    assert.match(identifying, /PatientName/);
    assert.match(identifying, /PatientID/);
    const everything = await page.content();
    assert.ok(!everything.includes('Nobody') && !everything.includes('12345'), 'a value stands on the page');
    assert.match(await page.textContent('#failures'), /1 file could not be read/);
    assert.match(await page.textContent('#failures'), /notes\.txt/);
    await noProblems(page);
    await page.context().close();
  });

  test('an archive gives a list to choose from', async () => {
    const page = await start();
    await drop(page, 'both.zip', zip([
      { name: 'a/first.png', bytes: png(80, 80) },
      { name: 'head.nii', bytes: nifti([40, 48, 6]) },
      { name: '__MACOSX/._first.png', bytes: Buffer.from('junk') },
    ]));
    await settled(page, 'both.zip/a/first.png');
    const options = await page.locator('#study-item option').allTextContents();
    assert.equal(options.length, 2);
    assert.match(options[1], /head\.nii \(volume, 40 × 48 × 6\)/);
    await page.selectOption('#study-item', '1');
    await settled(page, 'both.zip/head.nii, axial slice 4 of 6');
    assert.match(await page.textContent('#skipped'), /1 file was passed over/);
    // A plain picture alone closes the list.
    await drop(page, 'alone.png', png(64, 64));
    await settled(page, 'alone.png');
    assert.equal(await page.locator('#study').count(), 0);
    await noProblems(page);
    await page.context().close();
  });

  test('a picture through the reader gets the answer that it gets alone', async () => {
    const page = await start();
    const bytes = png(120, 150, phantom(120, 150));
    await drop(page, 'same.png', bytes);
    const alone = await settled(page, 'same.png');
    await drop(page, 'same.zip', zip([{ name: 'same.png', bytes }, { name: 'head.nii', bytes: nifti([40, 48, 6]) }]));
    const read = await settled(page, 'same.zip/same.png');
    assert.deepEqual(read.bars, alone.bars);
    // And so does a slice of a series with the same values.
    const values = Int16Array.from(phantom(120, 150));
    await drop(page, 'IM1', dicom({ width: 120, height: 150, values, instance: 1 }));
    await page.waitForFunction(() => /^IM1/.test(document.querySelector('#file-name')?.textContent ?? ''));
    const slice = await readReady(page);
    assert.deepEqual(slice.bars.map((bar) => bar.percent), alone.bars.map((bar) => bar.percent));
    await page.context().close();
  });

  test('all slices are classified, and the most suspicious one is found', async () => {
    const page = await start();
    await drop(page, 'head.nii', nifti(DIMS));
    await settled(page, 'head.nii, axial slice 11 of 20');
    const { requests } = server;
    const sent = requests.length;
    await page.click('#survey-start');
    await page.waitForSelector('#survey-best', { timeout: PATIENCE });
    await page.waitForFunction(() => /^20 of 20/.test(document.querySelector('#survey-finding').textContent));
    const cells = await page.locator('#strip button').evaluateAll((cells) =>
      cells.map((cell) => ({ kind: cell.dataset.kind, label: cell.ariaLabel, height: parseFloat(cell.firstChild.style.height) })));
    assert.equal(cells.length, 20);
    assert.ok(cells.every((cell) => ['class', 'unsure', 'strange'].includes(cell.kind)), JSON.stringify(cells));
    // Together with its neighbours; a refused slice counts as none.
    const tumour = (index) => (cells[index] && cells[index].kind !== 'strange' ? cells[index].height : 0);
    const scores = cells.map((cell, index) =>
      cell.kind === 'strange' ? -1 : tumour(index - 1) + tumour(index) + tumour(index + 1));
    await page.click('#survey-best');
    const best = Number((await page.textContent('#survey-finding')).match(/slice (\d+)/)[1]);
    // The strip's heights are rounded.
    assert.ok(scores[best - 1] > Math.max(...scores) - 0.4, `${best}: ${scores}`);
    const highest = cells[best - 1].height;
    const shown = await settled(page, `head.nii, axial slice ${best} of 20`);
    // The strip's number is the reading room's.
    const healthy = Number.parseFloat(shown.bars.find((bar) => bar.class === 'notumor').width);
    if (Number.isFinite(healthy)) assert.ok(Math.abs(100 - healthy - highest) < 0.6, `${healthy} ${highest}`);
    await page.focus('#strip [tabindex="0"]');
    await page.keyboard.press('Home');
    await settled(page, 'head.nii, axial slice 1 of 20');
    await page.click('.survey-table summary');
    await page.waitForFunction(() => document.querySelectorAll('.survey-table tbody tr').length === 20);
    assert.equal(requests.length, sent, 'something was fetched');
    assert.match((await read(page)).requests, /\b0\b/);
    await screenshot(page, 'volume-survey', { fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    await screenshot(page, 'volume-survey-narrow', { fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, 'the page scrolls sideways');
    await noProblems(page);
    await page.context().close();
  });

  test('a survey can be ended, begun again, and outlives the engine', async () => {
    const page = await openReady(browser, server.url, { query: '?backend=cpu&debug=panic' });
    await drop(page, 'head.nii', nifti([64, 72, 60]));
    await settled(page, 'head.nii, axial slice 31 of 60');
    const done = () => page.locator('#strip button:not([data-kind="waits"])').count();
    await page.click('#survey-start');
    await page.waitForFunction(() => document.querySelectorAll('#strip button:not([data-kind="waits"])').length > 2);
    await page.click('#survey-stop');
    await page.waitForSelector('#survey-start');
    const ended = await done();
    await page.waitForTimeout(500);
    assert.ok(ended < 60, 'it was over before it could be ended');
    assert.equal(await done(), ended, 'it goes on');
    // While it runs the scan can be looked at, and the engine may break.
    await page.click('#survey-start');
    await page.waitForFunction(() => document.querySelectorAll('#strip button:not([data-kind="waits"])').length > 2);
    await page.evaluate(() => globalThis.__scanlight_debug_panic());
    await page.focus('#slice');
    await page.keyboard.press('Home');
    await page.waitForFunction(() => /^60 of 60/.test(document.querySelector('#survey-finding').textContent));
    assert.equal(await page.locator('#strip [data-kind="missed"]').count(), 0);
    await settled(page, 'head.nii, axial slice 1 of 60');
    // Another plane has slices of its own.
    await page.check('#planes [value="coronal"]', { force: true });
    await settled(page, 'head.nii, coronal slice 37 of 72');
    assert.equal(await page.locator('#strip').count(), 0);
    await page.context().close();
  });

  test('a file of several frames is gone through in their order', async () => {
    const page = await start();
    const frames = [600, 900, 1200].map((spot) => phantom(64, 80).map((value) => (value === 225 ? spot / 6 : value)));
    const values = Int16Array.from(frames.flatMap((frame) => [...frame]));
    await drop(page, 'frames', dicom({ width: 64, height: 80, values, instance: 1, frames: 3 }));
    await settled(page, 'frames, picture 2 of 3');
    assert.equal(await page.locator('#planes').count(), 0);
    // All of them lie as the file says.
    assert.equal(await letters(page), 'RLAP');
    const middle = await canvas(page, '#scan');
    await page.focus('#slice');
    await page.keyboard.press('End');
    await settled(page, 'frames, picture 3 of 3');
    assert.notEqual((await canvas(page, '#scan')).hash, middle.hash);
    await noProblems(page);
    await page.context().close();
  });

  test('by touch: a finger goes through slices, two enlarge', async () => {
    const page = await start({ hasTouch: true, viewport: { width: 390, height: 780 } });
    await drop(page, 'head.nii', nifti(DIMS));
    await settled(page, 'head.nii, axial slice 11 of 20');
    const [x, y] = await middle(page);
    const client = await page.context().newCDPSession(page);
    const touch = (type, ...points) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    await touch('touchStart', [x, y]);
    for (let step = 1; step <= 5; step += 1) await touch('touchMove', [x, y - 15 * step]);
    await touch('touchEnd');
    await settled(page, 'head.nii, axial slice 8 of 20');
    await touch('touchStart', [x - 20, y], [x + 20, y]);
    for (let step = 1; step <= 4; step += 1) await touch('touchMove', [x - 20 - 10 * step, y], [x + 20 + 10 * step, y]);
    await touch('touchEnd');
    const percent = Number.parseInt(await page.textContent('#zoom-text'), 10);
    assert.ok(percent > 250 && percent < 350, `${percent} %`);
    assert.equal(await number(page), '8 of 20');
    await noProblems(page);
    await page.context().close();
  });

  test('files that hold nothing end in one line', async () => {
    const page = await start();
    for (const [name, bytes, says] of [
      ['cut.nii', nifti(DIMS).subarray(0, 5000), /cut\.nii: .+\./],
      ['empty.zip', zip([]), /Nothing in these files/],
      ['cut.zip', zip([{ name: 'a.png', bytes: png(9, 9) }]).subarray(0, 60), /cut\.zip: .+\./],
      ['cut.dcm', dicom({ width: 9, height: 9, values: new Int16Array(81), instance: 1 }).subarray(0, 600), /cut\.dcm: .+\./],
    ]) {
      await drop(page, name, bytes);
      assert.match(await alertText(page), says, name);
      await page.click('#alert .close');
    }
    await drop(page, 'good.nii', nifti([40, 48, 6]));
    await settled(page, 'good.nii, axial slice 4 of 6');
    await noProblems(page);
    await page.context().close();
  });

  test('real volumes and DICOM files', { skip: !DATA && 'no data' }, async () => {
    const page = await start();
    const volume = join(DATA, 'volumes', 'healthy_t1_256.nii.gz');
    if (existsSync(volume)) {
      await drop(page, 'healthy.nii.gz', readFileSync(volume));
      await settled(page, 'healthy.nii.gz, axial slice 129 of 256');
      await screenshot(page, 'volume-healthy');
    }
    const tumour = join(DATA, 'volumes', 'progression_01_t1.nii.gz');
    if (existsSync(tumour)) {
      await drop(page, 'tumour.nii.gz', readFileSync(tumour));
      await settled(page, 'tumour.nii.gz, axial slice 13 of 24');
      await page.click('#survey-start');
      await page.waitForFunction(() => /^24 of 24/.test(document.querySelector('#survey-finding')?.textContent ?? ''));
      await screenshot(page, 'volume-tumour', { fullPage: true });
    }
    for (const name of ['MR_small', 'MR_small_implicit', 'MR_small_RLE', 'MR_small_jp2klossless', 'JPEGLSNearLossless_16']) {
      const path = join(DATA, 'dicom', `${name}.dcm`);
      if (!existsSync(path)) continue;
      await drop(page, `${name}.dcm`, readFileSync(path));
      await page.waitForFunction((name) => document.querySelector('#file-name')?.textContent.startsWith(`${name}.dcm`), name);
    }
    // The lossy one has 12 bits, which no decoder in Rust reads.
    for (const name of ['MR_truncated', 'rtplan', 'JPEG-lossy']) {
      const path = join(DATA, 'dicom', `${name}.dcm`);
      if (!existsSync(path)) continue;
      await drop(page, `${name}.dcm`, readFileSync(path));
      assert.match(await alertText(page), new RegExp(`${name}\\.dcm: .+\\.`));
      await page.click('#alert .close');
    }
    await noProblems(page);
    await page.context().close();
  });
});

/** What `scanlight predict` says of a file, in class order of its own. */
function predicted(path, ...options) {
  const folder = mkdtempSync(join(tmpdir(), 'scanlight-'));
  try {
    const json = join(folder, 'answers.json');
    execFileSync(TRAINER, ['predict', '--model', MODEL, '--json', json, ...options, path], { stdio: 'pipe' });
    const answers = JSON.parse(readFileSync(json, 'utf8'));
    assert.equal(answers.length, 1, path);
    return answers[0].probabilities;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('one path for one job', { skip: !TRAINER && 'no trainer is built' }, () => {
  let browser;
  let server;
  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    await withoutThresholds(server);
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  test('a slice gets the same numbers here and from `scanlight predict`', async () => {
    const id = MODEL.split('/').at(-1);
    const page = await openReady(browser, server.url, { query: `?backend=cpu&model=${id}` });
    const folder = mkdtempSync(join(tmpdir(), 'scanlight-'));
    const write = (name, bytes) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    };
    const values = head([100, 120, 9]).subarray(4 * 12000, 5 * 12000);
    const cases = [
      [write('head.nii', nifti([96, 112, 20], { spacing: [2, 2, 6] })), 'axial', 'axial slice 11 of 20'],
      [write('head.nii.gz', niftiGz([96, 112, 20], { spacing: [2, 2, 6] })), 'coronal', 'coronal slice 57 of 112'],
      [write('IM1', dicom({ width: 100, height: 120, values, instance: 1 })), undefined, undefined],
    ];
    if (DATA) {
      cases.push(
        [join(DATA, 'volumes', 'progression_01_t1.nii.gz'), 'axial', 'axial slice 13 of 24'],
        [join(DATA, 'volumes', 'progression_04_t1.nii.gz'), 'sagittal', 'sagittal slice 129 of 256'],
        [join(DATA, 'dicom', 'MR_small.dcm'), undefined, undefined],
        [join(DATA, 'dicom', 'MR_small_jp2klossless.dcm'), undefined, undefined],
      );
    }
    let count = 0;
    try {
      for (const [path, plane, slice] of cases.filter(([path]) => existsSync(path))) {
        const wanted = predicted(path, ...(plane ? ['--plane', plane] : []));
        // Long names are shortened on the page.
        const name = `case${(count += 1)}`;
        await drop(page, name, readFileSync(path));
        await page.waitForFunction((name) => document.querySelector('#file-name')?.textContent.startsWith(name), name);
        if (plane && plane !== 'axial') await page.check(`#planes [value="${plane}"]`, { force: true });
        if (slice) await settled(page, `${name}, ${slice}`);
        let shown = await readReady(page);
        if (shown.kind === 'strange') {
          await page.click('#anyway');
          shown = await read(page);
        }
        const found = shown.bars.map((bar) => [bar.class, Number.parseFloat(bar.width)]);
        assert.deepEqual(found.map(([name]) => name).sort(), Object.keys(wanted).sort());
        for (const [name, percent] of found) {
          const expected = 100 * wanted[name];
          assert.ok(Math.abs(percent - expected) < 0.11, `${path}: ${name} is ${percent} instead of ${expected}`);
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    await noProblems(page);
    await page.context().close();
  });
});

/** The result once the engine rests. */
async function readReady(page) {
  await page.waitForSelector('main[data-phase="ready"]');
  await page.waitForFunction(() => !document.querySelector('.panel').classList.contains('stale'));
  return read(page);
}
