// After loading, no request leaves the page: not from it, not from its worker.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { canvas, drop, launch, noProblems, open, openReady, paste, pick, record, result, stored } from './harness.mjs';
import { BAD_FILES, png } from './images.mjs';

describe('privacy', () => {
  let browser, server, page, loading;

  before(async () => {
    browser = await launch();
    server = await record();
    // The service worker asks for the same files soon after; what loading alone fetches is seen without it.
    const alone = await openReady(browser, server.url, { query: '?backend=cpu' });
    loading = [...server.requests];
    assert.deepEqual(alone.sent.filter((url) => !url.startsWith(server.url)), []);
    await alone.context().close();
    page = await openReady(browser, server.url, { query: '?backend=cpu', serviceWorkers: 'allow' });
    await stored(page);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('loading fetches the weights once, one engine, and nothing foreign', () => {
    const count = (pattern) => loading.filter((path) => pattern.test(path)).length;
    assert.equal(count(/\.safetensors$/), 1);
    assert.equal(count(/^scanlight-engine-cpu_bg\.wasm$/), 1);
    // Nor did the service worker store it.
    assert.equal(server.count(/webgpu/), 0, 'the other engine was fetched too');
    assert.deepEqual(page.sent.filter((url) => !url.startsWith(server.url)), []);
  });

  test('classifying, switching, failing and trying samples send nothing', async () => {
    const before = server.requests.length;
    const sent = page.sent.length;
    await drop(page, 'one.png', png(128, 128));
    let shown = await result(page, 'one.png');
    assert.equal(shown.requests, '0');
    await pick(page, 'two.png', png(300, 200));
    await result(page, 'two.png');
    await paste(page, 'three.png', png(90, 90));
    await result(page, 'three.png');
    for (const bar of await page.locator('.bar').all()) await bar.click();
    for (const { name, bytes } of BAD_FILES) {
      await drop(page, name, bytes);
      await page.waitForFunction((name) => document.querySelector('#alert')?.textContent.includes(name), name);
    }
    for (const sample of await page.locator('.sample').all()) {
      const title = await sample.locator('.name').textContent();
      await sample.click();
      await result(page, `Sample: ${title}`);
    }
    await page.click('.caution summary');
    await page.click('.verdict .facts-button');
    await page.keyboard.press('Escape');
    await page.click('#diagnostics-button');
    await page.click('#diagnostics-copy');
    await page.waitForFunction(() => document.querySelector('#diagnostics-text').value);
    await page.keyboard.press('Escape');
    for (const language of ['ar', 'en']) {
      await page.selectOption('#language', language);
      await page.waitForSelector(`html[lang="${language}"]`);
    }
    await drop(page, 'four.png', png(128, 128));
    shown = await result(page, 'four.png');
    await page.waitForTimeout(1000);
    assert.deepEqual(server.requests.slice(before), []);
    assert.deepEqual(page.sent.slice(sent), []);
    assert.equal(shown.requests, '0');
    assert.equal(await page.textContent('#requests'), '0');
    assert.ok((await canvas(page, '#overlay')).visible > 0);
    await noProblems(page);
  });

  test('a first answer needs no more than it needs, and what is asked for then is said', async () => {
    const hasty = await open(browser, server.url, { query: '?backend=cpu' });
    await hasty.waitForSelector('main[data-phase="ready"]');
    await drop(hasty, 'hasty.png', png(128, 128));
    const shown = await result(hasty, 'hasty.png');
    assert.equal(shown.requests, '0');
    assert.equal(await hasty.getAttribute('main', 'data-annex'), 'missing');
    const annex = (page) => page.sent.filter((url) => url.endsWith('scanlight-annex.wasm')).length;
    // Not at leisure either: a scan is open.
    await hasty.waitForTimeout(1500);
    assert.equal(annex(hasty), 0);
    await hasty.click('#compare summary');
    await hasty.locator('.method canvas').first().waitFor();
    assert.equal(annex(hasty), 1);
    assert.equal(await hasty.textContent('#requests'), '1, of these one for something that you asked for');
    await hasty.context().close();
  });

  test('a part of the page that does not come is said, and can be had later', async () => {
    server.answer('scanlight-annex.wasm', () => ({ status: 503, body: Buffer.from('busy') }));
    const cut = await open(browser, server.url, { query: '?backend=cpu' });
    await cut.waitForSelector('main[data-phase="ready"][data-annex="failed"]');
    await drop(cut, 'cut.png', png(128, 128));
    await result(cut, 'cut.png');
    await cut.click('#compare summary');
    const missing = cut.locator('#compare .bad-line');
    await missing.waitFor();
    assert.equal(await missing.textContent(), 'This part of the page could not be fetched.');
    await cut.click('#open-lesson');
    await cut.waitForFunction(() => /Try again with a connection/.test(document.querySelector('#alert').textContent));
    server.restore('scanlight-annex.wasm');
    await cut.locator('#compare .part-body button').click();
    await cut.locator('.method canvas').first().waitFor();
    await cut.context().close();
  });

  test('the counter counts: it is not a painted zero', async () => {
    await page.evaluate(() => fetch('models/index.json'));
    await page.waitForFunction(() => document.querySelector('#requests').textContent === '1');
    await drop(page, 'five.png', png(128, 128));
    assert.equal((await result(page, 'five.png')).requests, '0');
  });

  test('the policy stops the page from contacting anyone else', async () => {
    const outcome = await page.evaluate(async () => {
      const violated = new Promise((done) => {
        document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true });
      });
      const sent = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused');
      return [sent, await violated];
    });
    assert.deepEqual(outcome, ['refused', 'connect-src']);
  });

  test('the policy holds in the worker, which sees the scan', async () => {
    const workers = page.workers();
    assert.equal(workers.length, 1);
    const outcome = await workers[0].evaluate(async () => {
      const violated = new Promise((done) => {
        self.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true });
        setTimeout(() => done('not by the policy'), 2000);
      });
      const sent = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused');
      return [sent, await violated];
    });
    assert.deepEqual(outcome, ['refused', 'connect-src']);
  });

  test('the policy names no foreign source and no unsafe script', async () => {
    const policy = await page.$eval('meta[http-equiv="Content-Security-Policy"]', (meta) => meta.content);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /connect-src 'self'/);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|https?:|\*|__SCRIPT_HASHES__/);
  });
});
