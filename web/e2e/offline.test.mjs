// The service worker: the page without a network, under any path, and never a mix of two versions.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { drop, launch, noProblems, open, openReady, ready, record, result, stored, visit } from './harness.mjs';
import { png } from './images.mjs';

const QUERY = '?backend=cpu';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('offline', () => {
  let browser, server, page;

  before(async () => {
    browser = await launch();
  });

  after(() => browser?.close());

  // A path of its own each time, as on a host that gives every project a folder.
  beforeEach(async () => {
    server = await record({ prefix: '/a/b/' });
  });

  afterEach(async () => {
    await page?.context().close();
    page = undefined;
    await server.close();
  });

  const first = (options = {}) => openReady(browser, server.url, { query: QUERY, serviceWorkers: 'allow', ...options });

  async function again(query = QUERY) {
    const context = page.context();
    await page.close();
    page = await visit(context, server.url + query);
    await ready(page);
  }

  async function classify(name = 'scan.png') {
    await drop(page, name, png(200, 160));
    return result(page, name);
  }

  const model = () => page.textContent('#model');

  /**
   * What a new deployment with other weights serves. `serve` can leave files out, as a host does that is half-way
   * through.
   */
  async function deploy({ serve = () => true } = {}) {
    const get = async (path) => Buffer.from(await (await fetch(server.url + path)).arrayBuffer());
    const index = JSON.parse(await get('models/index.json'));
    const folder = `models/${index.default}`;
    const manifest = JSON.parse(await get(`${folder}/model.json`));
    const weights = await get(`${folder}/${manifest.weights.file}`);
    // The last tensor's last number, a little different.
    weights[weights.length - 2] ^= 1;
    manifest.title = 'A newer model';
    manifest.weights.sha256 = sha256(weights);
    const version = 'feedfeedfeedfeed';
    let worker = (await get('sw.js')).toString();
    const [, old] = /VERSION = '(\w+)'/.exec(worker);
    const page = (await get('')).toString().replace(old, version);
    const files = {
      '': Buffer.from(page),
      [`${folder}/model.json`]: Buffer.from(JSON.stringify(manifest)),
      [`${folder}/${manifest.weights.file}`]: weights,
    };
    worker = worker.replace(old, version);
    for (const [path, body] of Object.entries(files)) {
      const line = new RegExp(`"${path.replaceAll('.', '\\.')}": "\\w{64}"`);
      assert.match(worker, line);
      worker = worker.replace(line, `"${path}": "${sha256(body)}"`);
    }
    for (const [path, body] of Object.entries({ ...files, 'sw.js': Buffer.from(worker) })) {
      if (serve(path)) server.answer(path, () => ({ body }));
    }
    return { hash: manifest.weights.sha256.slice(0, 8), restore: () => Object.keys(files).forEach((path) => server.restore(path)) };
  }

  test('after one visit the page works without a network, in every language, and sends nothing', async () => {
    page = await first();
    await stored(page);
    await server.close();
    await again();
    const shown = await classify();
    assert.match(shown.engine, /^CPU /);
    assert.ok((await page.locator('.sample').count()) >= 4);
    await page.selectOption('#language', 'de');
    await page.waitForSelector('html[lang="de"]');
    await page.waitForTimeout(300);
    assert.equal(await page.textContent('#requests'), '0');
    await noProblems(page);
    // The address without a query, and the file's own name.
    for (const address of ['', 'index.html', '?lang=es']) await again(address);
  });

  test('the files are stored once, under hashes, and not those that few need', async () => {
    page = await first();
    await stored(page);
    const [names, paths] = await page.evaluate(async () => {
      const names = await caches.keys();
      const requests = await (await caches.open(names[0])).keys();
      return [names, requests.map((request) => request.url)];
    });
    const version = await page.$eval('meta[name=scanlight-version]', (meta) => meta.content);
    assert.deepEqual(names, [`scanlight ${server.url} ${version}`]);
    const inside = paths.map((url) => url.slice(server.url.length));
    assert.ok(paths.every((url) => url.startsWith(server.url)));
    for (const wanted of ['', 'models/index.json', 'scanlight-engine-cpu_bg.wasm', 'languages/ar.json', 'manifest.webmanifest']) {
      assert.ok(inside.includes(wanted), `${wanted} is not stored`);
    }
    assert.ok(inside.some((path) => path.endsWith('.safetensors')));
    assert.ok(!inside.some((path) => /webgpu|report|sw\.js|^icons/.test(path)), inside.join('\n'));
  });

  test('the page can be installed', async () => {
    page = await first();
    await stored(page);
    const session = await page.context().newCDPSession(page);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A context of a test counts as a private window, which is the one thing that is wrong.
    assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
    const manifest = await (await fetch(`${server.url}manifest.webmanifest`)).json();
    for (const { src, sizes } of manifest.icons) {
      const icon = Buffer.from(await (await fetch(server.url + src)).arrayBuffer());
      assert.equal(`${icon.readUInt32BE(16)}x${icon.readUInt32BE(20)}`, sizes, src);
    }
    assert.ok(manifest.icons.some(({ purpose }) => purpose === 'maskable'));
    assert.deepEqual(await page.evaluate(() => violations), []);
  });

  test('a new model takes the place of the old one as a whole: the visitor says when', async () => {
    page = await first();
    await stored(page);
    const old = await model();
    const { hash } = await deploy();
    await again();
    // Still the old page, manifest and weights.
    assert.equal(await model(), old);
    await page.waitForSelector('#update .banner');
    assert.ok(!(await page.textContent('footer')).includes('A newer model'));
    await classify('before.png');
    await page.click('#update .button');
    await page.waitForFunction((hash) => document.querySelector('#model')?.textContent.includes(hash), hash);
    await ready(page);
    assert.match(await page.textContent('footer'), /A newer model/);
    await classify('after.png');
    assert.equal((await page.evaluate(() => caches.keys())).length, 1, 'the old version is still stored');
    await noProblems(page);
  });

  test('a page that begins alone takes the stored newer version by itself', async () => {
    page = await first();
    await stored(page);
    const { hash } = await deploy();
    await again();
    await page.waitForSelector('#update .banner');
    await again();
    await page.waitForFunction((hash) => document.querySelector('#model')?.textContent.includes(hash), hash);
    await ready(page);
    await classify();
    await noProblems(page);
  });

  test('half a deployment changes nothing', async () => {
    page = await first();
    await stored(page);
    const old = await model();
    // New manifest and worker, old weights.
    await deploy({ serve: (path) => !path.endsWith('.safetensors') });
    server.requests.length = 0;
    await again();
    await page.waitForFunction(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return !registration.installing && !registration.waiting;
    });
    while (!server.requests.some((path) => path.endsWith('.safetensors'))) await page.waitForTimeout(100);
    await page.waitForTimeout(500);
    assert.equal(await page.locator('#update .banner').count(), 0);
    await again();
    assert.equal(await model(), old);
    await classify();
  });

  test('an engine of another version is not handed to the page', async () => {
    page = await first();
    await stored(page);
    await again();
    const outcome = await page.evaluate(async () => {
      const get = (query) => fetch(`scanlight-engine-cpu.js${query}`).then((answer) => answer.status, () => 'refused');
      const { content } = document.querySelector('meta[name=scanlight-version]');
      return [await get(`?version=${content}`), await get('?version=0123456789abcdef')];
    });
    assert.deepEqual(outcome, [200, 'refused']);
  });

  test('a scan that is opened while files are being stored stops that; another visit goes on', async () => {
    let release;
    const held = new Promise((done) => (release = done));
    page = await open(browser, server.url, { query: QUERY, serviceWorkers: 'allow' });
    // Not until it has fetched all that it fetches at leisure: the service worker would be further by then.
    await page.waitForSelector('main[data-phase="ready"] .sample');
    // The page has its samples; the service worker's turn is held up at one of them.
    const sample = 'samples/notumor-axial.png';
    server.answer(sample, async (body) => {
      await held;
      return { body };
    });
    server.requests.length = 0;
    while (!server.requests.includes(sample)) await page.waitForTimeout(50);
    await drop(page, 'scan.png', png(200, 160));
    await page.waitForSelector('main[data-phase="working"], #file-name');
    const before = server.requests.length;
    release();
    const shown = await result(page, 'scan.png');
    await page.waitForTimeout(1000);
    assert.deepEqual(server.requests.slice(before), []);
    assert.equal(shown.requests, '0');
    server.restore(sample);
    server.requests.length = 0;
    await again();
    await stored(page);
    const twice = server.requests.filter((path) => path === 'samples/glioma-axial.png');
    // The page's own request may be answered by the browser's cache.
    assert.ok(twice.length <= 1, 'what was stored is fetched for the page alone');
    await server.close();
    await again();
    await classify();
  });
});
