// What people drop, pick and paste: folders, several things at once, what comes while something is read, and what breaks.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  PATIENCE, agrees, alertText, drop, dropAll, launch, noProblems, openReady, paste, read, record, result, screenshot,
  withoutThresholds,
} from './harness.mjs';
import { phantom, png, tiff } from './images.mjs';
import { nifti, series, zip } from './volumes.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';

const LOOKS = [
  { name: 'dark', colorScheme: 'dark' },
  { name: 'light, 320 px', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { name: 'Arabic, 390 px', colorScheme: 'dark', locale: 'ar', viewport: { width: 390, height: 780 } },
];

async function check(page, state) {
  // Colours move for half a second when something changes; half-way they have no contrast.
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.failureSummary}`).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
}

/** A folder on the disk, for as long as `act` runs. */
async function inFolder(files, act) {
  const folder = mkdtempSync(join(tmpdir(), 'scanlight-'));
  try {
    for (const { name, bytes } of files) {
      const path = join(folder, 'study', name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, bytes);
    }
    return await act(join(folder, 'study'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Heads that differ. */
const head = (spot) => phantom(96, 120).map((value) => (value === 225 ? spot : value));

describe('what people bring', () => {
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
  const start = (options) => openReady(browser, server.url, { query: QUERY, ...options });

  test('a folder is picked with all that lies below it', async () => {
    const page = await start();
    const files = [
      ...series([64, 80, 7]).map(({ name, bytes }) => ({ name: `a/b/${name}`, bytes })),
      { name: 'a/notes.txt', bytes: Buffer.from('no scan') },
      { name: '.DS_Store', bytes: Buffer.from('junk') },
    ];
    await inFolder(files, async (folder) => {
      const choose = async () => {
        const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.click('#pick-folder')]);
        await chooser.setFiles(folder);
      };
      await choose();
      const name = 'study/a/b, axial slice 4 of 7';
      agrees(await result(page, name));
      assert.match(await page.textContent('#failures'), /study\/a\/notes\.txt/);
      assert.match(await page.textContent('#skipped'), /\.DS_Store/);
      assert.match((await read(page)).requests, /\b0\b/);
      // The way to a folder stays.
      await drop(page, 'alone.png', png(64, 80));
      await result(page, 'alone.png');
      await choose();
      await result(page, name);
    });
    await noProblems(page);
    await page.context().close();
  });

  test('of what comes in a row the newest is shown', async () => {
    const page = await start();
    const slow = nifti([200, 200, 160]);
    await drop(page, 'slow.nii', slow);
    await drop(page, 'quick.png', png(64, 80));
    agrees(await result(page, 'quick.png'));
    await page.waitForTimeout(3000);
    assert.equal((await read(page)).file, 'quick.png', 'what came before came back');
    assert.equal(await page.locator('#study').count(), 0);
    assert.equal(await page.locator('.activity').count(), 0);
    // The same with two that the reader reads, and with one that is pasted.
    await drop(page, 'slow.nii', slow);
    await page.waitForSelector('.activity');
    await drop(page, 'next.nii', nifti([40, 48, 6]));
    agrees(await result(page, 'next.nii, axial slice 4 of 6'));
    await page.waitForTimeout(2000);
    assert.equal((await read(page)).file, 'next.nii, axial slice 4 of 6');
    await paste(page, 'pasted.png', png(70, 80));
    agrees(await result(page, 'pasted.png'));
    assert.match((await read(page)).requests, /\b0\b/);
    await noProblems(page);
    await page.context().close();
  });

  test('rarer pictures that come together are not mixed up', async () => {
    const page = await start();
    const files = [40, 120, 250, 90].map((spot, index) => ({
      name: `head${index}.tiff`,
      bytes: tiff(96, 120, Buffer.from(head(spot))),
    }));
    const alone = [];
    for (const { name, bytes } of files) {
      await drop(page, name, bytes);
      alone.push((await result(page, name)).bars.map((bar) => bar.percent));
    }
    assert.ok(new Set(alone.map(String)).size > 1, 'the heads are too much alike for this test');
    // The last of several in a row.
    for (const { name, bytes } of files) await drop(page, name, bytes);
    const last = await result(page, files.at(-1).name);
    assert.deepEqual(last.bars.map((bar) => bar.percent), alone.at(-1));
    // All at once, in the table.
    await dropAll(page, files);
    await page.waitForSelector('.batch[data-status="done"]', { timeout: PATIENCE });
    await page.waitForTimeout(400);
    for (const [index, { name }] of files.entries()) {
      await page.locator(`.answers tr[data-path="${name}"] button`).first().click();
      const row = await result(page, name);
      assert.deepEqual(row.bars.map((bar) => bar.percent), alone[index], name);
      const best = row.bars.find((bar) => bar.predicted).percent;
      assert.ok((await page.textContent(`.answers tr[data-path="${name}"]`)).includes(best), `${name} has another answer in the table`);
    }
    await noProblems(page);
    await page.context().close();
  });

  test('a reader that breaks says at which file, and the next files get another', async () => {
    // It dies when it is about to say what it has read.
    server.answer('scanlight-reader.js', (body) => ({
      body: Buffer.concat([body, Buffer.from(`
        const post = globalThis.postMessage.bind(globalThis);
        globalThis.postMessage = (message, transfer) => {
          if (!String(message[0]).includes('"opened"')) return post(message, transfer);
          setTimeout(() => { throw new Error('out of breath'); });
        };`)]),
    }));
    const page = await start();
    try {
      await dropAll(page, [{ name: 'good.nii', bytes: nifti([40, 48, 6]) }, { name: 'bad.nii', bytes: nifti([40, 48, 6]) }]);
      const said = await alertText(page);
      assert.match(said, /^bad\.nii: /);
      assert.match(said, /out of breath/);
      assert.equal(await page.locator('.activity').count(), 0);
    } finally {
      server.restore('scanlight-reader.js');
    }
    await drop(page, 'good.nii', nifti([40, 48, 6]));
    agrees(await result(page, 'good.nii, axial slice 4 of 6'));
    assert.equal(await page.locator('#alert .banner').count(), 0);
    await page.context().close();
  });

  test('a reader that cannot be fetched says so, and pictures go on', async () => {
    server.answer('scanlight-reader_bg.wasm', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await start();
    try {
      await drop(page, 'good.nii', nifti([40, 48, 6]));
      assert.match(await alertText(page), /could not be started/);
      assert.equal(await page.locator('.activity').count(), 0);
      await drop(page, 'alone.png', png(64, 80));
      agrees(await result(page, 'alone.png'));
    } finally {
      server.restore('scanlight-reader_bg.wasm');
    }
    await drop(page, 'good.nii', nifti([40, 48, 6]));
    agrees(await result(page, 'good.nii, axial slice 4 of 6'));
    await page.context().close();
  });

  test('why a file is not there is said in the page’s language', async () => {
    const page = await start({ locale: 'de' });
    await drop(page, 'cut.nii', nifti([40, 48, 6]).subarray(0, 4000));
    assert.match(await alertText(page), /^cut\.nii: die NIfTI-Datei ist abgeschnitten/);
    const pair = nifti([40, 48, 6]).subarray(0, 352);
    pair.write('ni1\0', 344, 'latin1');
    await drop(page, 'all.zip', zip([
      { name: 'good.nii', bytes: nifti([40, 48, 6]) },
      { name: 'pair.hdr', bytes: pair },
      { name: 'notes.txt', bytes: Buffer.from('no scan') },
      { name: 'empty.png', bytes: Buffer.alloc(0) },
      { name: '__MACOSX/._good.nii', bytes: Buffer.from('junk') },
    ]));
    await page.waitForSelector('#failures');
    const failures = await page.textContent('#failures');
    for (const words of [/Hälfte eines Paares/, /wählen Sie ein Bild/, /leer \(0 Bytes\)/]) assert.match(failures, words);
    assert.match(await page.textContent('#skipped'), /von einem System hinterlassen/);
    await page.context().close();
  });

  for (const { name, ...look } of LOOKS) {
    test(`accessible: a volume, its survey, what is missing and who it is: ${name}`, async () => {
      const page = await start(look);
      await dropAll(page, [
        ...series([64, 80, 7]),
        { name: 'other.nii', bytes: nifti([40, 48, 6], { oriented: false }) },
        { name: 'notes.txt', bytes: Buffer.from('no scan') },
        { name: '.DS_Store', bytes: Buffer.from('junk') },
      ]);
      await page.waitForSelector('#study');
      await page.waitForSelector('main[data-phase="ready"]');
      await page.waitForFunction(() => document.querySelector('#file-name')?.textContent);
      for (const list of ['failures', 'skipped']) await page.click(`#${list} summary`);
      await check(page, 'a series');
      await page.click('#survey-start');
      await page.waitForSelector('#survey-best');
      await page.click('.survey-table summary');
      await page.waitForFunction(() => document.querySelectorAll('.survey-table tbody tr').length === 7);
      await check(page, 'surveyed');
      await screenshot(page, `study-${name.replace(/\W+/g, '-')}`, { fullPage: true });
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('#study button, #study select, #study summary, #study input:not(.unseen), #study .tool')]
          .map((element) => [element.id || element.className || element.localName, element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
          .map(([name, box]) => `${name} ${box.width} x ${box.height}`));
      assert.deepEqual(small, [], 'too small for a finger');
      await page.selectOption('#study-item', '1');
      await page.waitForFunction(() => /other/.test(document.querySelector('#file-name')?.textContent));
      await check(page, 'a volume without orientation');
      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth),
        false,
        'the page scrolls sideways',
      );
      await noProblems(page);
      await page.context().close();
    });
  }
});
