// Which engine runs, what happens when one fails, and that the weights are fetched once all the same.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  PATIENCE,
  alertText,
  canvas,
  drop,
  dropAll,
  launch,
  noProblems,
  open,
  openReady,
  read,
  ready,
  record,
  result,
  screenshot,
} from './harness.mjs';
import { png } from './images.mjs';

const IMAGE = png(128, 128);

const hasAdapter = (page) => page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));

describe('engines', () => {
  let browser, server, webgpu;

  before(async () => {
    browser = await launch();
    server = await record();
    const page = await open(browser, server.url, { query: '?backend=cpu' });
    webgpu = await hasAdapter(page);
    await page.context().close();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  const weights = () => server.count(/\.safetensors$/);

  async function fresh(options) {
    server.requests.length = 0;
    return openReady(browser, server.url, options);
  }

  async function classify(page, name = 'scan.png') {
    await drop(page, name, IMAGE);
    const shown = await result(page, name);
    assert.ok((await canvas(page, '#overlay')).visible > 0);
    return shown;
  }

  let onCpu;

  test('?backend=cpu runs on the CPU', async () => {
    const page = await fresh({ query: '?backend=cpu' });
    onCpu = await classify(page);
    assert.match(onCpu.engine, /^CPU \(direct, SIMD\) · /);
    assert.equal(server.count(/webgpu/), 0);
    await noProblems(page);
    await page.context().close();
  });

  test('the automatic choice passes over a GPU that is only software', async () => {
    const page = await fresh({});
    assert.match((await classify(page)).engine, /^CPU /);
    assert.equal(server.count(/webgpu/), 0);
    assert.equal(weights(), 1);
    await page.context().close();
  });

  test('?backend=webgpu runs on WebGPU and agrees with the CPU', async (t) => {
    if (!webgpu) return t.skip('this browser offers no WebGPU adapter');
    const page = await fresh({ query: '?backend=webgpu' });
    const shown = await classify(page);
    assert.match(shown.engine, /^WebGPU \(.+\) · /);
    assert.equal(server.count(/engine-cpu/), 0, 'the other engine was fetched too');
    assert.equal(weights(), 1);
    assert.equal(shown.requests, '0');
    assert.equal(shown.verdict.split(' — ')[0], onCpu.verdict.split(' — ')[0]);
    shown.bars.forEach((bar, index) => {
      const difference = Math.abs(Number.parseFloat(bar.width) - Number.parseFloat(onCpu.bars[index].width));
      assert.ok(difference <= 0.02, `${bar.class}: ${bar.width} against ${onCpu.bars[index].width}`);
    });
    await noProblems(page);
    await page.context().close();
  });

  test('the automatic choice takes a GPU that is hardware', async (t) => {
    if (!webgpu) return t.skip('this browser offers no WebGPU adapter');
    // The page is told that the adapter is a real one; the worker uses what there is.
    const init = () => {
      const request = GPU.prototype.requestAdapter;
      GPU.prototype.requestAdapter = async function (...args) {
        const adapter = await request.apply(this, args);
        const info = { vendor: 'acme', architecture: 'one', device: '', description: '', isFallbackAdapter: false };
        return adapter && { info };
      };
    };
    const page = await fresh({ init });
    assert.match((await classify(page)).engine, /^WebGPU \(acme one\) · /);
    await page.context().close();
  });

  test('without WebGPU, ?backend=webgpu falls back and says so', async () => {
    const init = () => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
    const page = await fresh({ query: '?backend=webgpu', init });
    assert.match((await classify(page)).engine, /^CPU /);
    assert.match(await page.textContent('#notice'), /no WebGPU adapter/);
    assert.equal(server.count(/webgpu/), 0);
    await page.context().close();
  });

  for (const [hook, when] of [
    ['fail-load', 'while loading'],
    ['fail-classify', 'at the first image'],
  ]) {
    test(`WebGPU that fails ${when} gives way to the CPU, with the weights that are there`, async (t) => {
      if (!webgpu) return t.skip('this browser offers no WebGPU adapter');
      const page = await fresh({ query: `?backend=webgpu&debug=${hook}` });
      const shown = await classify(page);
      assert.match(shown.engine, /^CPU \(direct, SIMD\) · /);
      assert.match(await page.textContent('#notice'), /WebGPU failed \(simulated failure\), so the CPU runs instead/);
      assert.equal(weights(), 1);
      // The counter owns up to an engine that was fetched while the file was open: its script and module.
      assert.equal(shown.requests, hook === 'fail-load' ? '0' : '2');
      if (hook === 'fail-load') await screenshot(page, 'fallback');
      await page.context().close();
    });
  }

  for (const when of ['idle', 'at work']) {
    test(`a GPU that is lost while ${when} gives way to the CPU, which says so`, async (t) => {
      if (!webgpu) return t.skip('this browser offers no WebGPU adapter');
      const page = await fresh({ query: '?backend=webgpu&debug=lose' });
      assert.match((await classify(page, 'before.png')).engine, /^WebGPU /);
      if (when === 'idle') {
        await page.evaluate(() => window.__scanlight_debug_lose());
        await page.waitForSelector('#notice .banner');
        await ready(page);
        // The result on the page stays.
        assert.equal((await read(page)).file, 'before.png');
        await drop(page, 'after.png', IMAGE);
      } else {
        await drop(page, 'after.png', IMAGE);
        await page.waitForSelector('main[data-phase="working"]');
        await page.evaluate(() => window.__scanlight_debug_lose());
      }
      const shown = await result(page, 'after.png');
      await page.waitForSelector('#notice .banner');
      assert.match(await page.textContent('#notice'), /The browser took the GPU away.*so the CPU runs instead/);
      if (when === 'idle') assert.match(shown.engine, /^CPU \(direct, SIMD\) · /);
      await classify(page, 'later.png');
      assert.match((await read(page)).engine, /^CPU \(direct, SIMD\) · /);
      assert.equal(weights(), 1);
      if (when === 'idle') await screenshot(page, 'device-lost');
      await page.context().close();
    });
  }

  test('a WebGPU engine that cannot be fetched gives way to the CPU', async (t) => {
    if (!webgpu) return t.skip('this browser offers no WebGPU adapter');
    server.answer('scanlight-engine-webgpu_bg.wasm', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await fresh({ query: '?backend=webgpu' });
    assert.match((await classify(page)).engine, /^CPU /);
    assert.match(await page.textContent('#notice'), /WebGPU failed/);
    assert.equal(weights(), 1);
    server.restore('scanlight-engine-webgpu_bg.wasm');
    await page.context().close();
  });

  test('an unknown backend is named and ignored', async () => {
    const page = await fresh({ query: '?backend=abacus' });
    assert.match(await page.textContent('#notice'), /unknown backend/);
    await page.context().close();
  });

  test('a panic in the worker is shown, the result stays, and the page goes on', async () => {
    const page = await fresh({ query: '?backend=cpu&debug=panic' });
    const before = await classify(page);
    const overlay = await canvas(page, '#overlay');
    for (let round = 1; round <= 2; round += 1) {
      await page.evaluate(() => window.__scanlight_debug_panic());
      const line = await alertText(page);
      assert.match(line, /crashed.*simulated panic.*restarted/);
      await ready(page);
      const now = await read(page);
      assert.equal(now.verdict, before.verdict);
      assert.deepEqual(await canvas(page, '#overlay'), overlay);
      assert.equal(weights(), 1, 'the weights were fetched again');
      assert.equal(page.workers().length, 1);
      if (round === 1) await screenshot(page, 'panic');
      assert.match((await classify(page, `after-${round}.png`)).engine, /^CPU /);
    }
    await page.context().close();
  });

  test('the hook for panics is not there unless asked for', async () => {
    const page = await fresh({ query: '?backend=cpu' });
    assert.equal(await page.evaluate(() => typeof window.__scanlight_debug_panic), 'undefined');
    await page.context().close();
  });

  test('a file that comes before the model is ready waits for it', async () => {
    let release;
    const held = new Promise((done) => (release = done));
    server.answer('samples/index.json', () => held);
    server.requests.length = 0;
    const page = await open(browser, server.url, { query: '?backend=cpu' });
    await page.waitForSelector('.loading');
    await drop(page, 'early.png', IMAGE);
    await page.waitForFunction(() => /waits for the model/.test(document.querySelector('.activity')?.textContent));
    await screenshot(page, 'loading');
    release();
    const shown = await result(page, 'early.png');
    assert.equal(shown.requests, '0');
    server.restore('samples/index.json');
    await page.context().close();
  });

  for (const [what, files] of [
    ['a file', [{ name: 'early.png', bytes: IMAGE }]],
    ['of several files the table', [{ name: 'early.png', bytes: IMAGE }, { name: 'other.png', bytes: IMAGE }]],
  ]) {
    test(`${what} that is dropped before the page's program is there is not lost`, async () => {
      let release;
      const held = new Promise((done) => (release = done));
      const [program] = /scanlight-web-\w+_bg\.wasm/.exec(await (await fetch(server.url)).text());
      server.answer(program, async (body) => {
        await held;
        return { body };
      });
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      // The browser counts the program among what a page has to load.
      await page.goto(`${server.url}?backend=cpu`, { waitUntil: 'commit' });
      await page.waitForSelector('#boot');
      await dropAll(page, files, '#boot');
      assert.equal(await page.locator('main').count(), 0, 'the program was there');
      release();
      if (files.length > 1) await page.waitForSelector('.answers tbody tr:nth-child(2)');
      else assert.equal((await result(page, 'early.png')).requests, '0');
      server.restore(program);
      await page.context().close();
    });
  }

  test('a model that cannot be had is explained, and can be tried again', async () => {
    server.answer('models/index.json', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await open(browser, server.url, { query: '?backend=cpu' });
    const failure = page.locator('.failure');
    await failure.waitFor();
    assert.match(await failure.textContent(), /could not be loaded: models\/index\.json: the server answered 404/);
    await screenshot(page, 'failure');
    server.restore('models/index.json');
    await failure.locator('button').click();
    await ready(page);
    await classify(page);
    await page.context().close();
  });

  test('damaged weights are refused', async () => {
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    const manifest = await (await fetch(`${server.url}models/${index.default}/model.json`)).json();
    const path = `models/${index.default}/${manifest.weights.file}`;
    server.answer(path, (body) => {
      const damaged = Buffer.from(body);
      damaged[damaged.length - 1] ^= 1;
      return { body: damaged };
    });
    const page = await open(browser, server.url, { query: '?backend=cpu' });
    const failure = page.locator('.failure');
    await failure.waitFor();
    assert.match(await failure.textContent(), /SHA-256/);
    server.restore(path);
    await page.context().close();
  });

  test('a page without samples works', async () => {
    server.answer('samples/index.json', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await fresh({ query: '?backend=cpu' });
    await classify(page);
    assert.equal(await page.locator('.samples').count(), 0);
    server.restore('samples/index.json');
    await page.context().close();
  });
});

describe('diagnostics', () => {
  test('a text for support: what runs, no names of files', async () => {
    const browser = await launch();
    const server = await record();
    try {
      const page = await openReady(browser, server.url, {
        query: '?backend=cpu',
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      await drop(page, 'doe-jane-1970.png', png(120, 90));
      const shown = await result(page, 'doe-jane-1970.png');
      await drop(page, 'doe-jane-broken.png', Buffer.alloc(0));
      await alertText(page);
      await page.click('#diagnostics-button');
      await page.click('#diagnostics-copy');
      await page.waitForFunction(() => document.querySelector('#diagnostics-status').textContent);
      assert.match(await page.textContent('#diagnostics-status'), /Copied/);
      const text = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(text, await page.inputValue('#diagnostics-text'));
      const version = await page.$eval('meta[name=scanlight-version]', (meta) => meta.content);
      const model = await page.evaluate(async () => {
        const index = await (await fetch('models/index.json')).json();
        return (await fetch(`models/${index.default}/model.json`)).json();
      });
      for (const part of [
        version,
        await page.evaluate(() => navigator.userAgent),
        shown.engine.split(' · ')[0],
        `Model: ${model.id}`,
        model.weights.sha256,
        'Last picture: 120 x 90 pixels',
        'Requests since a file was opened: 0',
        'Last complaint: intake.rejected',
      ]) {
        assert.ok(text.includes(part), `${part} is not in:\n${text}`);
      }
      assert.match(text, /^Classifying: [\d.]+ ms$/m);
      assert.match(text, /^WebGPU adapter: (none|.+ \((soft|hard)ware\))$/m);
      if (!text.includes('WebGPU adapter: none')) assert.match(text, /^maxBufferSize: \d+$/m);
      assert.doesNotMatch(text, /doe|jane|1970/i);
      assert.ok(text.length < 4000, `${text.length} characters`);
      await screenshot(page, 'diagnostics');
    } finally {
      await browser.close();
      await server.close();
    }
  });

  test('where the clipboard is not to be had, the text is there to be copied by hand', async () => {
    const browser = await launch();
    const server = await record();
    try {
      const init = () => Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
      const page = await openReady(browser, server.url, { query: '?backend=cpu', init });
      await page.click('#diagnostics-button');
      await page.click('#diagnostics-copy');
      await page.waitForFunction(() => document.querySelector('#diagnostics-status').textContent);
      assert.match(await page.textContent('#diagnostics-status'), /copy the selected text/);
      const selected = await page.$eval('#diagnostics-text', (area) => area.value.slice(area.selectionStart, area.selectionEnd));
      assert.match(selected, /^Scanlight: \d/);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});

describe('a browser without WebGPU', () => {
  test('runs on the CPU without being asked', async () => {
    const browser = await launch({ gpu: false });
    const server = await record();
    try {
      const page = await openReady(browser, server.url);
      await drop(page, 'scan.png', IMAGE);
      assert.match((await result(page, 'scan.png')).engine, /^CPU /);
      assert.equal(server.count(/webgpu/), 0);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
