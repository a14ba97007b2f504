// Five hundred damaged files in a row: the page keeps answering, and answers as before.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agrees, drop, launch, noProblems, openReady, record, result } from './harness.mjs';
import { BAD_FILES, bmp, phantom, png, tiff } from './images.mjs';
import { dicom, nifti, niftiGz, zip } from './volumes.mjs';

const COUNT = 500;

/** A file of each kind and encoding that is read here. */
const CORPUS = join(import.meta.dirname, '../../shared/formats/corpus');
const corpus = ['archive', 'dicom', 'image', 'nifti'].flatMap((folder) =>
  readdirSync(join(CORPUS, folder)).sort().map((name) => readFileSync(join(CORPUS, folder, name))));

/** Numbers that look random and are the same every time (a linear congruential generator). */
function generator(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A good file with bytes changed, cut off, repeated or put in. */
function damage(bytes, random) {
  let file = Buffer.from(bytes);
  for (let times = 1 + random(3); times > 0; times -= 1) {
    const at = random(file.length);
    // Headers are what decoders believe in.
    const place = random(2) ? at : random(Math.min(file.length, 400));
    switch (random(6)) {
      case 0: file[place] = random(256); break;
      case 1: file = file.subarray(0, at); break;
      case 2: file.fill(random(2) ? 0xff : 0, place, Math.min(file.length, place + 1 + random(8))); break;
      case 3: file = Buffer.concat([file.subarray(0, at), file.subarray(Math.max(0, at - 300))]); break;
      case 4: if (place + 4 <= file.length) file.writeUInt32LE(2 ** 31 + random(2 ** 30), place); break;
      default: file = Buffer.concat([file.subarray(0, place), Buffer.from([random(256)]), file.subarray(place)]);
    }
    if (file.length === 0) return file;
  }
  return file;
}

describe('hostile files', () => {
  let browser;
  let server;
  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  test(`${COUNT} in a row`, async () => {
    const page = await openReady(browser, server.url, { query: '?backend=cpu' });
    const good = png(90, 120);
    await drop(page, 'before.png', good);
    const first = await result(page, 'before.png');
    agrees(first);
    const values = Int16Array.from(phantom(40, 50));
    const seeds = [
      png(40, 50),
      bmp(40, 50),
      tiff(40, 50),
      nifti([24, 28, 5]),
      niftiGz([24, 28, 5]),
      dicom({ width: 40, height: 50, values, instance: 1 }),
      zip([{ name: 'a.png', bytes: png(20, 20) }, { name: 'b.nii', bytes: nifti([12, 14, 3]) }]),
      ...corpus,
      ...BAD_FILES.map(({ bytes }) => bytes).filter((bytes) => bytes.length > 0),
    ];
    const random = generator(7);
    let said = 0;
    for (let index = 0; index < COUNT; index += 1) {
      const name = `hostile-${index}`;
      await page.evaluate(() => document.querySelector('#alert .close')?.click());
      await drop(page, name, damage(seeds[index % seeds.length], random));
      // The page comes to rest with a line, a picture or a table, and it is about this file.
      await page.waitForFunction(
        (name) =>
          document.querySelector('main').dataset.phase === 'ready' &&
          !document.querySelector('.activity') &&
          (document.querySelector('#alert .banner') ||
            document.querySelector('#file-name').textContent.startsWith(name) ||
            document.querySelector(`.batch[data-status="done"] tr[data-path^="${name}"]`)),
        name,
        { timeout: 60_000 },
      );
      if (await page.locator('.batch').count()) await page.click('#bench-close');
      if (await page.locator('#alert .banner').count()) said += 1;
    }
    assert.ok(said > COUNT / 4, `only ${said} files were complained about`);
    await drop(page, 'after.png', good);
    const last = await result(page, 'after.png');
    agrees(last);
    assert.deepEqual(last.bars, first.bars);
    await drop(page, 'after.nii', nifti([40, 48, 6]));
    agrees(await result(page, 'after.nii, axial slice 4 of 6'));
    assert.match((await result(page, 'after.nii, axial slice 4 of 6')).requests, /\b0\b/);
    await noProblems(page);
    await page.context().close();
  });
});
