// Archives, folders, volumes and series as a table: one row each, its slice, the way to it and back.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  PATIENCE, alertText, drop, dropAll, launch, noProblems, openReady, record, result, screenshot, withoutThresholds,
} from './harness.mjs';
import { BAD_FILES, phantom, png } from './images.mjs';
import { accessible, done, names, parse, saved } from './tables.mjs';
import { dicom, nifti, niftiGz, series, zip } from './volumes.mjs';

const QUERY = '?backend=cpu';

const LOOKS = {
  dark: { colorScheme: 'dark' },
  light: { colorScheme: 'light' },
  'dark-390': { colorScheme: 'dark', viewport: { width: 390, height: 780 } },
  'light-320': { colorScheme: 'light', viewport: { width: 320, height: 640 } },
  arabic: { colorScheme: 'dark', locale: 'ar' },
};

/** Heads that differ. */
function head(number, [width, height] = [96, 120]) {
  const pixels = phantom(width, height).map((value) => (value === 225 ? 40 + ((number * 37) % 215) : value));
  return png(width, height, Buffer.from(pixels));
}

/** A series of a person, its files in `folder`. */
const person = (folder, prefix, dims, options) =>
  series(dims, options).map(({ name, bytes }) => ({ name: `${folder}/${prefix}${name}`, bytes }));

/** A picture, a volume, two series of one folder, and what cannot be read. */
function everything() {
  return [
    { name: 'pictures/one.png', bytes: head(3) },
    { name: 'head.nii.gz', bytes: niftiGz([40, 48, 6]) },
    ...person('study', 'A', [64, 80, 5], { patient: 'Secret^Person', series: '1.2.826.77' }),
    ...person('study', 'B', [48, 60, 7], { patient: 'Secret^Person', series: '1.2.826.78' }),
    { name: 'cut.nii', bytes: nifti([40, 48, 6]).subarray(0, 4000) },
    { name: 'cut.png', bytes: BAD_FILES.at(-1).bytes },
    { name: 'notes.txt', bytes: Buffer.from('no scan') },
    { name: '__MACOSX/._head.nii.gz', bytes: Buffer.from('junk') },
  ];
}

const ROWS = [
  'all.zip/pictures/one.png', 'all.zip/head.nii.gz', 'all.zip/study/AIM0000', 'all.zip/study/BIM0000', 'all.zip/cut.nii',
  'all.zip/cut.png', 'all.zip/notes.txt',
];

/** Opens them in the reading room, and from there the table. */
async function table(page, files, name = 'all.zip') {
  if (name) await drop(page, name, zip(files, { deflate: true }));
  else await dropAll(page, files);
  await page.click('#study-table');
}

const row = (name) => `.answers tr[data-path="${name}"]`;

describe('tables', () => {
  let browser;
  let server;
  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    await withoutThresholds(server);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  const start = (options) => openReady(browser, server.url, { query: QUERY, ...options });

  test('an archive of pictures is the table of its pictures', async () => {
    const page = await start();
    const files = [1, 2, 3].map((number) => ({ name: `set/head${number}.png`, bytes: head(number) }));
    await dropAll(page, files);
    await done(page);
    const wanted = JSON.parse(await saved(page, '#save-json')).images;
    const clutter = [
      { name: 'set/', bytes: Buffer.alloc(0) },
      { name: 'set/.DS_Store', bytes: Buffer.from('junk') },
      { name: '__MACOSX/set/._head1.png', bytes: Buffer.from('junk') },
    ];
    for (const deflate of [false, true]) {
      const name = `packed-${deflate}.zip`;
      await drop(page, name, zip([...clutter, ...files, { name: 'set/notes.txt', bytes: Buffer.from('x') }], { deflate }));
      await page.waitForSelector(row(`${name}/set/head1.png`));
      await done(page);
      assert.deepEqual(await names(page), [...files.map((file) => `${name}/${file.name}`), `${name}/set/notes.txt`]);
      assert.match(await page.textContent(row(`${name}/set/notes.txt`)), /no file that can be read here/i);
      const { images } = JSON.parse(await saved(page, '#save-json'));
      for (const [index, { probabilities }] of wanted.entries()) {
        assert.deepEqual(images[index].probabilities, probabilities);
        assert.equal('slice' in images[index], false);
      }
      await page.click(`${row(`${name}/set/head2.png`)} .open-row`);
      await result(page, `${name}/set/head2.png`);
    }
    assert.equal(await page.textContent('#requests'), '0');
    // One picture alone is no table.
    await page.click('#bench-close');
    await drop(page, 'single.zip', zip([...clutter, files[0]], { deflate: true }));
    await result(page, 'single.zip/set/head1.png');
    assert.ok(await page.locator('.bench').isHidden());
    // Two archives are as their pictures.
    await dropAll(page, ['a', 'b'].map((name, index) => ({ name: `${name}.zip`, bytes: zip([files[index]]) })));
    await page.waitForSelector(row('b.zip/set/head2.png'));
    await done(page);
    assert.deepEqual(await names(page), ['a.zip/set/head1.png', 'b.zip/set/head2.png']);
    assert.equal(server.count(/^scanlight-reader/), 0, 'the reader was fetched for pictures');
    await noProblems(page);
    await page.context().close();
  });

  test('an archive with one folder per class is evaluated', async () => {
    const page = await start();
    const classes = ['glioma', 'no_tumor'];
    const files = classes.flatMap((folder, index) =>
      [1, 2].map((number) => ({ name: `Training/${folder}/${number}.png`, bytes: head(5 * index + number) })));
    await drop(page, 'labelled.zip', zip(files, { deflate: true }));
    await page.waitForSelector('.evaluate[data-status="done"]', { timeout: PATIENCE });
    await page.waitForTimeout(400);
    assert.equal(parse(await saved(page, '#save-csv')).filter((row) => row.label === 'notumor').length, 2);
    await noProblems(page);
    await page.context().close();
  });

  test('a thousand pictures in an archive', async () => {
    const page = await start();
    const files = Array.from({ length: 1000 }, (_, number) => ({ name: `${number}.png`, bytes: head(number, [40, 50]) }));
    files[700].bytes = Buffer.from('no picture');
    await drop(page, 'thousand.zip', zip(files, { deflate: true }));
    await done(page);
    assert.match(await page.textContent('#batch-line'), /All 1,000 done, 1 could not be read/);
    assert.equal(await page.locator('.answers tbody tr').count(), 50);
    assert.equal(await page.textContent('#page-number'), 'Page 1 of 20');
    const rows = parse(await saved(page, '#save-csv'));
    assert.equal(rows.length, 1000);
    assert.deepEqual(rows.map((row) => row.file), files.map(({ name }) => `thousand.zip/${name}`));
    assert.deepEqual(rows.filter((row) => row.error).map((row) => row.file), ['thousand.zip/700.png']);
    assert.equal(await page.textContent('#requests'), '0');
    await noProblems(page);
    await page.context().close();
  });

  test('volumes, series and pictures: a row each, its most suspicious slice, and the way there and back', async () => {
    const page = await start();
    await table(page, everything());
    await done(page);
    assert.equal(await page.textContent('#requests'), '0');
    const asked = server.requests.length;
    assert.deepEqual(await names(page), ROWS);
    assert.match(await page.textContent('#batch-line'), /All 7 done, 3 could not be read/);
    assert.match(await page.textContent(row('all.zip/cut.nii')), /cut off/);
    assert.match(await page.textContent(row('all.zip/notes.txt')), /no file that can be read here/i);
    const csv = await saved(page, '#save-csv');
    const json = await saved(page, '#save-json');
    for (const text of [csv, json]) {
      // Values of the tags, identifiers among them.
      for (const value of ['Secret', 'Person', '12345', '1.2.826', '1.2.3']) {
        assert.ok(!text.includes(value), `${value} got into an export`);
      }
    }
    const rows = parse(csv);
    const { images, classes } = JSON.parse(json);
    assert.deepEqual(rows.map((row) => row.file), ROWS);
    assert.deepEqual(rows.map((row) => row.slices), ['', '6', '5', '7', '', '', '']);
    assert.deepEqual(rows.map((row) => row.plane), ['', 'axial', 'axial', 'axial', '', '', '']);
    for (const [index, image] of images.entries()) {
      assert.equal(String(image.slice ?? ''), rows[index].slice);
      assert.equal(image.error ?? '', rows[index].error);
    }
    assert.deepEqual([rows[1].width, rows[1].height], ['40', '48']);

    // The reading room says the same of each.
    for (const index of [1, 2, 3]) {
      const { file, slice, slices } = rows[index];
      await page.focus(`${row(file)} .open-row`);
      assert.match(await page.textContent(row(file)), new RegExp(`axial slice ${slice} of ${slices}`));
      await page.keyboard.press('Enter');
      await page.waitForFunction(
        ([slice, slices]) => document.querySelector('#file-name')?.textContent.endsWith(`axial slice ${slice} of ${slices}`)
          && document.querySelector('main').dataset.phase === 'ready',
        [slice, slices],
      );
      const inSight = await page.locator('#stage').evaluate((stage) => {
        const { top, bottom } = stage.getBoundingClientRect();
        return top < innerHeight && bottom > 0;
      });
      assert.ok(inSight, 'what was opened is out of sight');
      const bars = await page.locator('.bar').evaluateAll((bars) =>
        bars.map((bar) => [bar.dataset.class, parseFloat(bar.querySelector('.fill').style.width)]));
      assert.deepEqual(bars.map(([name]) => name).sort(), [...classes].sort());
      for (const [name, width] of bars) {
        assert.ok(Math.abs(width - 100 * rows[index][`p_${name}`]) < 0.06, `${file}: ${name} ${width}`);
      }
      await page.click('#survey-start');
      await page.waitForFunction((all) => document.querySelector('#survey-finding')?.textContent.startsWith(`${all} of ${all}`), slices);
      assert.match(await page.textContent('#survey-finding'), new RegExp(`Most suspicious: slice ${slice},`));
      assert.equal(await page.locator('#study-table').count(), 0, 'a table of a part would take the place of the whole');
      await page.focus('#to-table');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.closest('tr')?.dataset.path), file);
      assert.equal(await page.locator('.answers tr[aria-current]').count(), 1);
    }
    // A picture too; the focus is where the way back is.
    await page.click(`${row(ROWS[0])} .open-row`);
    const shown = await result(page, ROWS[0]);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'to-table');
    assert.equal(shown.requests, '0');
    assert.deepEqual(server.requests.slice(asked), [], 'something was fetched');
    // Sorted by what stands in it.
    await page.click('.answers thead th:nth-child(2) button');
    assert.deepEqual(await names(page), [...ROWS].sort());
    await page.click('#bench-close');
    assert.equal(await page.locator('#to-table').count(), 0);
    await noProblems(page);
    await page.context().close();
  });

  test('several volumes, DICOM files of all kinds, one of them damaged', async () => {
    const page = await start();
    const values = Int16Array.from(phantom(64, 80));
    const frames = Int16Array.from([1, 2, 3].flatMap((spot) => [...phantom(64, 80).map((value) => (value === 225 ? 60 * spot : value))]));
    const files = [
      { name: 'b.nii', bytes: nifti([40, 48, 6]) },
      { name: 'a.nii', bytes: nifti([48, 40, 5]) },
      { name: 'one.dcm', bytes: dicom({ width: 64, height: 80, values, instance: 1, series: '1.2.9' }) },
      { name: 'frames', bytes: dicom({ width: 64, height: 80, values: frames, instance: 2, frames: 3, series: '1.2.10' }) },
      { name: 'picture.png', bytes: head(1) },
      ...person('s', '', [48, 60, 7], { series: '1.2.11' }),
    ];
    // Of a series with a damaged file the others are shown, and that file is a row of its own.
    const damaged = files.find(({ name }) => name === 's/IM0003');
    damaged.bytes = damaged.bytes.subarray(0, 700);
    // A copy is no slice more.
    files.push({ name: 's/copy', bytes: files.at(-1).bytes });
    await drop(page, 'x.zip', zip(files));
    await page.click('#study-table');
    await done(page);
    const wanted = [...files.slice(0, 5).map(({ name }) => name), 's', 's/IM0003'];
    assert.deepEqual(await names(page), wanted.map((name) => `x.zip/${name}`));
    const rows = parse(await saved(page, '#save-csv'));
    assert.deepEqual(rows.map((row) => row.slices), ['6', '5', '', '3', '', '6', '']);
    assert.deepEqual(rows.map((row) => row.plane), ['axial', 'axial', '', '', '', '', '']);
    assert.ok(rows.slice(0, 6).every((row) => row.predicted && !row.error));
    assert.match(rows[6].error, /cut off/);
    assert.match(await page.textContent('#passed-over'), /1 file was passed over.*x\.zip\/s\/copy: a copy of a picture before it/);
    await page.click(`${row('x.zip/frames')} .open-row`);
    await result(page, `x.zip/frames, picture ${rows[3].slice} of 3`);
    await page.click(`${row('x.zip/one.dcm')} .open-row`);
    await result(page, 'x.zip/one.dcm');
    // One volume is no table: it opens as ever, and the table stays.
    await drop(page, 'alone.nii', nifti([40, 48, 6]));
    await result(page, 'alone.nii, axial slice 4 of 6');
    assert.equal(await page.locator('.answers tbody tr').count(), 7);
    await noProblems(page);
    await page.context().close();
  });

  test('a model that accepts no slice: the one in the middle stands for the volume, and is refused', async () => {
    const strict = await record();
    const index = await (await fetch(`${strict.url}models/index.json`)).json();
    strict.answer(`models/${index.default}/model.json`, (body) => {
      const manifest = JSON.parse(body);
      manifest.trust.ood.threshold = -1e9;
      return { body: Buffer.from(JSON.stringify(manifest)) };
    });
    const page = await openReady(browser, strict.url, { query: QUERY });
    await table(page, [{ name: 'a.nii', bytes: nifti([40, 48, 6]) }, { name: 'b.nii', bytes: nifti([40, 48, 9]) }], null);
    await done(page);
    const rows = parse(await saved(page, '#save-csv'));
    assert.deepEqual(rows.map((row) => [row.slice, row.verdict]), [['4', 'not_like_training'], ['5', 'not_like_training']]);
    await page.context().close();
    await strict.close();
  });

  test('cancelled in the middle of a volume, and gone on with', async () => {
    const page = await start();
    const files = [
      { name: 'first.nii', bytes: nifti([40, 48, 6]) },
      { name: 'long.nii', bytes: nifti([64, 72, 90]) },
      ...person('s', '', [48, 60, 7]),
      { name: 'last.png', bytes: head(2) },
    ];
    await table(page, files, null);
    await page.waitForFunction(() => /scanning slice \d+ of 90/.test(document.querySelector('.answers')?.textContent ?? ''), undefined, { timeout: PATIENCE });
    await page.click('#batch-cancel');
    await done(page, 'cancelled');
    const said = await page.textContent('#batch-line');
    assert.match(said, /Ended after 1 of 4/);
    await page.waitForTimeout(800);
    assert.equal(await page.textContent('#batch-line'), said, 'it went on');
    assert.match(await page.textContent(row('long.nii')), /waits/);
    assert.equal(parse(await saved(page, '#save-csv')).filter((row) => row.error === 'not classified').length, 3);
    await page.click('#batch-resume');
    await done(page);
    assert.deepEqual(await names(page), ['first.nii', 'long.nii', 's', 'last.png']);
    const rows = parse(await saved(page, '#save-csv'));
    assert.deepEqual(rows.map((row) => [row.slices, row.error]), [['6', ''], ['90', ''], ['7', ''], ['', '']]);
    assert.equal(await page.textContent('#requests'), '0');
    // Closed while it looks through a volume, and opened again.
    await page.click('#bench-close');
    for (const close of [true, false]) {
      await page.click('#study-table');
      await page.waitForFunction(() => /scanning slice \d+ of 90/.test(document.querySelector('.answers')?.textContent ?? ''), undefined, { timeout: PATIENCE });
      if (close) await page.click('#bench-close');
    }
    await noProblems(page);
    await page.context().close();
  });

  test('a reader that breaks on a file is a row, and the next file gets another', async () => {
    let fetched = 0;
    // The reading room's is sound; the table's dies on one file.
    server.answer('scanlight-reader.js', (body) => {
      fetched += 1;
      if (fetched === 1) return { body };
      return { body: Buffer.concat([body, Buffer.from(`
        const post = globalThis.postMessage.bind(globalThis);
        globalThis.postMessage = (message, transfer) => {
          post(message, transfer);
          if (/"reading".*bad\\.nii/.test(String(message[0]))) setTimeout(() => { throw new Error('out of breath'); });
          if (/"reading".*bad\\.nii/.test(String(message[0]))) globalThis.postMessage = () => {};
        };`)]) };
    });
    const page = await start();
    const files = ['a.nii', 'bad.nii', 'c.nii'].map((name) => ({ name, bytes: nifti([40, 48, 6]) }));
    try {
      await table(page, files, null);
      await done(page);
    } finally {
      server.restore('scanlight-reader.js');
    }
    assert.deepEqual(await names(page), files.map(({ name }) => name));
    assert.match(await page.textContent(row('bad.nii')), /ended while it read this one: .*out of breath/);
    const rows = parse(await saved(page, '#save-csv'));
    assert.deepEqual(rows.map((row) => row.slices), ['6', '', '6']);
    await page.context().close();
  });

  test('a reader that cannot be had is one clear line, and can be tried again', async () => {
    let fetched = 0;
    // The reading room's comes, the table's first does not.
    server.answer('scanlight-reader_bg.wasm', (body) => {
      fetched += 1;
      return fetched === 1 ? { body } : { status: 503, body: Buffer.from('') };
    });
    const page = await start();
    try {
      await table(page, ['a.nii', 'b.nii'].map((name) => ({ name, bytes: nifti([40, 48, 6]) })), null);
      await page.waitForSelector('.batch[data-status="failed"]', { timeout: PATIENCE });
      assert.match(await page.textContent('#batch-line'), /could not be started/);
      await accessible(page, 'failed');
    } finally {
      server.restore('scanlight-reader_bg.wasm');
    }
    await page.click('#batch-resume');
    await done(page);
    assert.deepEqual(parse(await saved(page, '#save-csv')).map((row) => row.slices), ['6', '6']);
    await page.context().close();
  });

  test('archives that are damaged or locked end in a line or in rows', async () => {
    const page = await start();
    const packed = zip([{ name: 'a.png', bytes: head(1) }, { name: 'b.png', bytes: head(2) }], { deflate: true });
    // The second file's bytes are spoilt, its place in the directory is not.
    const spoilt = Buffer.from(packed);
    const second = spoilt.indexOf('PK\x03\x04', 10, 'latin1');
    spoilt.fill(0xff, second + 60, second + 200);
    await drop(page, 'spoilt.zip', spoilt);
    await page.waitForSelector(`${row('spoilt.zip/b.png')} .bad-line, #alert .banner`);
    if (await page.locator('.answers').count()) {
      await done(page);
      assert.equal(parse(await saved(page, '#save-csv')).filter((row) => row.error).length, 1);
    }
    const locked = Buffer.from(packed);
    for (let at = locked.indexOf('PK\x01\x02', 0, 'latin1'); at >= 0; at = locked.indexOf('PK\x01\x02', at + 4, 'latin1')) {
      locked.writeUInt16LE(1, at + 8);
    }
    await drop(page, 'locked.zip', locked);
    assert.match(await alertText(page), /locked\.zip/);
    await page.click('#alert .close');
    await drop(page, 'cut.zip', packed.subarray(0, packed.length - 30));
    assert.match(await alertText(page), /cut\.zip/);
    await page.click('#alert .close');
    // Letters are archives too.
    await drop(page, 'letter.docx', zip(['a.xml', 'word/b.xml'].map((name) => ({ name, bytes: Buffer.from('<x/>') })), { deflate: true }));
    assert.match(await alertText(page), /None of 2 files can be read.*letter\.docx/);
    await noProblems(page);
    await page.context().close();
  });

  for (const [name, look] of Object.entries(LOOKS)) {
    test(`accessible: ${name}`, async () => {
      const page = await start(look);
      await drop(page, 'all.zip', zip(everything(), { deflate: true }));
      await page.waitForSelector('#study-table');
      await page.waitForSelector('main[data-phase="ready"]');
      await accessible(page, 'the offer');
      await page.locator('#study-table').scrollIntoViewIfNeeded();
      await screenshot(page, `table-offer-${name}`);
      await page.click('#study-table');
      await done(page);
      await accessible(page, 'the table');
      await page.locator('.answers tbody tr:nth-child(3) .open-row').click();
      await page.waitForSelector('#to-table');
      await page.waitForSelector('#study');
      await page.waitForSelector('main[data-phase="ready"]');
      await page.waitForTimeout(500);
      await accessible(page, 'a row that is open');
      await screenshot(page, `table-opened-${name}`);
      const small = await page.locator('#to-table').evaluate((button) => button.getBoundingClientRect().height < 24);
      assert.equal(small, false, 'too small for a finger');
      await page.click('#to-table');
      await screenshot(page, `table-${name}`, { fullPage: true });
      await screenshot(page, `table-back-${name}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      await noProblems(page);
      await page.context().close();
    });
  }
});
