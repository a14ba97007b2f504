// Another of the published models, or one's own, while the page is open.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { agrees, alertText, drop, dropAll, launch, noProblems, openReady, PATIENCE, read, record, result, screenshot } from './harness.mjs';
import { png } from './images.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';
// Weights of another training, which are not published.
const OTHER = join(import.meta.dirname, '../../trainer/reports/nickparvar');
const manifest = readFileSync(join(OTHER, 'model.json'));
const weights = readFileSync(join(OTHER, 'model.safetensors'));

async function axe(page, state) {
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
  assert.deepEqual(found, [], state);
}

/** Waits until the page speaks of the model of this id. */
async function uses(page, id) {
  await page.waitForFunction(
    (id) =>
      document.querySelector('main').dataset.phase === 'ready' &&
      document.querySelector('#model')?.textContent.startsWith(`${id} `),
    id,
    { timeout: PATIENCE },
  );
  return read(page);
}

/** A bundle whose last layer gives `classes` in another order of names. */
function renamed(classes) {
  const json = JSON.parse(manifest);
  json.id = 'renamed';
  json.title = 'Renamed';
  json.classes = classes;
  return Buffer.from(JSON.stringify(json));
}

/** A zip archive. */
function zip(files, method) {
  const locals = [];
  const records = [];
  let offset = 0;
  for (const [path, bytes] of files) {
    const name = Buffer.from(path);
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    records.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, rest, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(records);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end]);
}

describe('models', () => {
  let browser, server, first;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    first = index.default;
    const own = index.models.filter(({ id }) => id === first);
    const both = { ...index, models: [...own, { id: 'other', title: 'Other' }] };
    server.answer('models/index.json', () => ({ status: 200, body: Buffer.from(JSON.stringify(both)) }));
    server.answer('models/other/model.json', () => ({ status: 200, body: manifest }));
    server.answer('models/other/model.safetensors', () => ({ status: 200, body: weights }));
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('another published model classifies the open scan anew, with one request that the counter explains', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.match(await page.textContent('[data-model="other"]'), /parameters · .*MB · 99\.\d % right|parameters · .*MB · 99\.\d% right/);
    await drop(page, 'scan.png', png(128, 128));
    const before = await result(page, 'scan.png');
    assert.equal(before.requests, '0');
    const count = server.requests.length;
    await page.click('[data-model="other"]');
    const now = await uses(page, 'nickparvar');
    agrees(now);
    assert.equal(now.file, 'scan.png');
    assert.notDeepEqual(now.bars, before.bars);
    assert.deepEqual(server.requests.slice(count), ['models/other/model.safetensors']);
    await page.waitForFunction(() => document.querySelector('#requests').textContent.startsWith('1,'));
    assert.equal(await page.textContent('#requests'), '1, of these one for something that you asked for');
    assert.equal(new URL(page.url()).searchParams.get('model'), 'other');
    assert.equal(new URL(page.url()).searchParams.get('backend'), 'cpu');
    // Back: nothing is fetched twice, and the answer is the first one.
    await page.click(`[data-model="${first}"]`);
    const again = await uses(page, first);
    assert.deepEqual(again.bars, before.bars);
    assert.equal(server.requests.length, count + 1);
    await noProblems(page);
    await page.context().close();
  });

  test('two models on one scan, side by side', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.equal(await page.locator('.compare-with').count(), 0, 'a comparison of nothing');
    await drop(page, 'scan.png', png(128, 128));
    const shown = await result(page, 'scan.png');
    const count = server.requests.length;
    await page.click('.compare-with');
    await page.waitForSelector('.compare[data-status="done"]', { timeout: PATIENCE });
    // The engine's program comes out of the browser's cache, if that likes.
    const fetched = server.requests.slice(count).filter((path) => !path.startsWith('scanlight-engine'));
    assert.deepEqual(fetched.sort(), [
      'models/other/model.safetensors',
      'scanlight-workbench.js',
      'scanlight-workbench_bg.wasm',
    ]);
    // Each of them is counted, and that it was asked for.
    const counted = await page.textContent('#requests');
    assert.equal(counted.match(/\d+/g)[0], counted.match(/\d+/g)[1], counted);
    // The page itself stays with its model and its answer.
    assert.deepEqual((await read(page)).bars, shown.bars);
    const table = await page.locator('#compare-numbers tbody tr').evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
    assert.equal(table.length, shown.bars.length);
    for (const { name, percent } of shown.bars) {
      // A refusal hides them on the page.
      if (percent) assert.equal(table.find(([title]) => title === name)[1], percent);
    }
    // What the second says there is what it says when it is used.
    const second = Object.fromEntries(table.map(([title, , number]) => [title, number]));
    await screenshot(page, 'compare', { fullPage: true });
    // Each class has a map of each model.
    const seen = new Set();
    for (const choice of await page.locator('[name="compare-class"]').all()) {
      await choice.check();
      for (const side of [0, 1]) {
        const hash = await page.locator(`[data-side="${side}"] canvas[role="img"]`).evaluate((element) => {
          const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
          return data.reduce((sum, value, at) => (sum * 31 + value + at) | 0, 0);
        });
        seen.add(`${side} ${hash}`);
      }
    }
    assert.ok(seen.size > shown.bars.length, `${seen.size} maps`);
    await axe(page, 'two models');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    await screenshot(page, 'compare-narrow', { fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, 'the page scrolls sideways');
    await page.click('#bench-close');
    const sent = server.requests.length;
    await page.click('[data-model="other"]');
    const now = await uses(page, 'nickparvar');
    assert.equal(server.requests.length, sent, 'its weights were fetched twice');
    const numbers = now.kind === 'strange' ? [] : now.bars;
    for (const { name, percent } of numbers) assert.equal(second[name], percent);
    await noProblems(page);
    await page.context().close();
  });

  test('a model that does not come cannot be compared with, and says so', async () => {
    server.answer('models/other/model.safetensors', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'scan.png', png(128, 128));
    const shown = await result(page, 'scan.png');
    await page.click('.compare-with');
    assert.match(await alertText(page), /^The model to compare with could not be fetched: .+\.$/);
    assert.ok(await page.locator('.bench').isHidden());
    assert.deepEqual((await read(page)).bars, shown.bars);
    // Weights that are others end in one line; the first model's answer is there.
    server.answer('models/other/model.safetensors', () => ({ status: 200, body: Buffer.from(weights).fill(7, 5000, 6000) }));
    await page.click('.compare-with');
    await page.waitForSelector('.compare[data-status="failed"]', { timeout: PATIENCE });
    assert.match(await page.textContent('#compare-said'), /could not be run: .+\.$/);
    assert.equal(await page.locator('[data-side="0"] .compare-verdict').count(), 1);
    server.answer('models/other/model.safetensors', () => ({ status: 200, body: weights }));
    await page.context().close();
  });

  test('weights that do not come, or are others, leave the model as it is', async () => {
    for (const answer of [
      { status: 404, body: Buffer.from('gone') },
      { status: 200, body: Buffer.from(weights).fill(7, 5000, 6000) },
    ]) {
      server.answer('models/other/model.safetensors', () => answer);
      const page = await openReady(browser, server.url, { query: QUERY });
      await drop(page, 'scan.png', png(128, 128));
      const before = await result(page, 'scan.png');
      await page.click('[data-model="other"]');
      assert.match(await alertText(page), /could not be changed, the earlier one stays: /);
      await page.waitForSelector('main[data-phase="ready"]');
      assert.ok((await page.textContent('#model')).startsWith(`${first} `));
      assert.ok(await page.isChecked(`[data-model="${first}"] input`), 'the earlier model is not the chosen one');
      await drop(page, 'again.png', png(128, 128));
      assert.deepEqual((await result(page, 'again.png')).bars, before.bars);
      await page.context().close();
    }
    server.answer('models/other/model.safetensors', () => ({ status: 200, body: weights }));
  });

  test('accessible, and legible in every look', async () => {
    for (const [name, options] of [
      ['dark', { colorScheme: 'dark' }],
      ['light', { colorScheme: 'light' }],
      ['390', { colorScheme: 'dark', viewport: { width: 390, height: 780 } }],
      ['320-ar', { colorScheme: 'light', locale: 'ar', viewport: { width: 320, height: 640 } }],
    ]) {
      const page = await openReady(browser, server.url, { query: QUERY, ...options });
      await dropAll(page, [
        { name: 'model.json', bytes: manifest },
        { name: 'model.safetensors', bytes: weights },
      ]);
      await page.waitForSelector('[data-own="true"] input:checked');
      await page.waitForSelector('main[data-phase="ready"]');
      await axe(page, name);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
      await page.locator('#models').scrollIntoViewIfNeeded();
      await screenshot(page, `models-${name}`);
      await page.context().close();
    }
  });
});

describe('a bundle of one’s own', () => {
  let browser, server, page, first;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    first = index.default;
    const one = { ...index, models: index.models.filter(({ id }) => id === first) };
    server.answer('models/index.json', () => ({ status: 200, body: Buffer.from(JSON.stringify(one)) }));
    page = await openReady(browser, server.url, { query: QUERY });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('dropped files are used without a request, and can be removed', async () => {
    assert.equal(await page.locator('#models').count(), 0, 'a choice of one');
    await drop(page, 'scan.png', png(128, 128));
    const before = await result(page, 'scan.png');
    const count = server.requests.length;
    await dropAll(page, [
      { name: 'model.safetensors', bytes: weights },
      { name: 'model.json', bytes: renamed(['glioma', 'cyst', 'notumor', '<b>odd</b>']) },
    ]);
    const own = await uses(page, 'renamed');
    assert.deepEqual(own.bars.map(({ name }) => name), ['Glioma', 'cyst', 'No tumour', '<b>odd</b>']);
    agrees(own);
    assert.equal(own.requests, '0');
    assert.match(await page.textContent('[data-own="true"]'), /your own/);
    assert.equal(createHash('sha256').update(weights).digest('hex'), JSON.parse(manifest).weights.sha256);
    await page.click('#remove-own');
    assert.deepEqual((await uses(page, first)).bars, before.bars);
    assert.equal(await page.locator('#models').count(), 0);
    assert.equal(server.requests.length, count);
  });

  test('a zip archive of a folder, stored or deflated', async () => {
    await drop(page, 'zipped.png', png(128, 128));
    await result(page, 'zipped.png');
    for (const [method, id] of [[0, 'stored'], [8, 'deflated']]) {
      const json = Buffer.from(JSON.stringify({ ...JSON.parse(manifest), id }));
      await drop(page, `${id}.zip`, zip([
        ['mine/notes.txt', Buffer.from('x')],
        ['mine/model.json', json],
        ['mine/model.safetensors', weights],
      ], method));
      agrees(await uses(page, id));
    }
    // The directory promises other bytes than there are.
    const broken = zip([['model.json', manifest], ['model.safetensors', weights]], 8);
    broken.fill(0xff, 20_000, 21_000);
    await drop(page, 'broken.zip', broken);
    assert.match(await alertText(page), /earlier model stays/);
    await drop(page, 'other.zip', zip([['notes.txt', Buffer.from('x')]], 0));
    await page.waitForFunction(() => document.querySelector('#alert')?.textContent.includes('other.zip'));
    await page.click('#remove-own');
    await uses(page, first);
  });

  test('what is no bundle says why, and the model stays', async () => {
    const json = JSON.parse(manifest);
    for (const [files, reason] of [
      [[{ name: 'model.json', bytes: manifest }], /names the weights “model\.safetensors”/],
      [[{ name: 'w.safetensors', bytes: weights }], /without their model\.json/],
      [[{ name: 'model.json', bytes: '{"a": 1' }, { name: 'model.safetensors', bytes: weights }], /cannot be read/],
      [[{ name: 'model.json', bytes: manifest }, { name: 'model.safetensors', bytes: weights.subarray(0, 9000) }], /earlier model stays: ./],
      [
        [
          { name: 'model.json', bytes: JSON.stringify({ ...json, classes: ['one'] }) },
          { name: 'model.safetensors', bytes: weights },
        ],
        /earlier model stays: ./,
      ],
    ]) {
      await page.evaluate(() => document.querySelector('#alert .close')?.click());
      await dropAll(page, files);
      assert.match(await alertText(page), reason);
      await page.waitForSelector('main[data-phase="ready"]');
      assert.ok((await page.textContent('#model')).startsWith(`${first} `));
    }
    await drop(page, 'after.png', png(128, 128));
    agrees(await result(page, 'after.png'));
    await noProblems(page);
  });
});
