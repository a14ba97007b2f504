// What all end-to-end tests share: the browser, a recording server before the page, and gestures.

import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const SERVED = process.env.SCANLIGHT_URL ?? 'http://127.0.0.1:8080/';
export const OUT = join(import.meta.dirname, 'out');

/** Loading includes compiling shaders on a software GPU; two busy cores need long for that. */
export const PATIENCE = 240_000;

/** Starts the browser. `gpu: false` starts one that offers no WebGPU at all. */
export async function launch({ gpu = true } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    // Playwright's own headless switch starts the old headless mode, which has no WebGPU.
    headless: false,
    ignoreDefaultArgs: ['--headless'],
    args: [
      '--headless=new',
      '--no-sandbox',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      ...(gpu ? ['--enable-unsafe-webgpu'] : ['--disable-gpu', '--disable-features=WebGPU,WebGPUService']),
    ],
  });
}

/**
 * A server before the served page: it records every request that reaches it, whoever sent it, and can
 * answer for some paths itself. Workers' requests are among them, which a page's own record lacks. `prefix` is
 * the path that the page has on it.
 */
export async function record({ prefix = '/' } = {}) {
  const requests = [];
  const answers = new Map();
  const server = http.createServer((request, response) => {
    const path = new URL(request.url, 'http://x').pathname.slice(prefix.length);
    requests.push(path);
    if (!request.url.startsWith(prefix)) {
      response.writeHead(404);
      response.end();
      return;
    }
    const answer = answers.get(path);
    const target = new URL(request.url.slice(prefix.length), SERVED);
    const sent = { ...request.headers, host: target.host };
    // "Not modified" is said of the served file, not of the answer in its place.
    if (answer) for (const name of ['if-none-match', 'if-modified-since']) delete sent[name];
    const upstream = http.request(target, { method: request.method, headers: sent });
    upstream.on('response', (reply) => {
      const chunks = [];
      reply.on('data', (data) => chunks.push(data));
      reply.on('end', async () => {
        let body = Buffer.concat(chunks);
        let status = reply.statusCode;
        const headers = { ...reply.headers };
        if (answer) ({ status = status, body = body } = (await answer(body)) ?? {});
        if (status !== 304) headers['content-length'] = String(body.length);
        delete headers['transfer-encoding'];
        if (answer) for (const name of ['etag', 'last-modified']) delete headers[name];
        response.writeHead(status, headers);
        response.end(body);
      });
    });
    upstream.on('error', (error) => {
      response.writeHead(502);
      response.end(String(error));
    });
    request.pipe(upstream);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    requests,
    /** `answer(body)` gives `{ status, body }` in place of the served file. */
    answer: (path, answer) => answers.set(path, answer),
    restore: (path) => answers.delete(path),
    count: (pattern) => requests.filter((path) => pattern.test(path)).length,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

/**
 * Takes the thresholds out of the served model, for as long as the server runs: it gives every picture a class, drawn
 * heads among them.
 */
export async function withoutThresholds(server) {
  const index = await (await fetch(`${server.url}models/index.json`)).json();
  server.answer(`models/${index.default}/model.json`, (body) => {
    const manifest = JSON.parse(body);
    delete manifest.trust;
    return { body: Buffer.from(JSON.stringify(manifest)) };
  });
}

/**
 * Opens the page in a fresh context with everything that goes wrong written down. Without a service worker, unless
 * `serviceWorkers` is 'allow': it would fetch the page a second time in every test.
 */
export async function open(browser, url, { query = '', init, ...options } = {}) {
  const viewport = { width: 1280, height: 860 };
  const context = await browser.newContext({ viewport, serviceWorkers: 'block', locale: 'en-GB', ...options });
  if (init) await context.addInitScript(init);
  await context.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  return visit(context, url + query);
}

/** Opens another page in a context that [`open`] made. */
export async function visit(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.problems = [];
  page.sent = [];
  page.on('pageerror', (error) => page.problems.push(`page: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (/^(https?|wss?):/.test(request.url())) page.sent.push(request.url());
  });
  const answer = await page.goto(url);
  assert.ok(answer.ok(), `${url} answered ${answer.status()}: is the page served at ${SERVED}?`);
  return page;
}

/** Waits until the service worker has stored the page. */
export async function stored(page) {
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active.state !== 'activated') await new Promise((done) => active.addEventListener('statechange', done));
  });
}

/**
 * Waits until the page takes files and has fetched what it fetches at leisure, as it has when a person gets to it. A page
 * whose address opens something fetches that only when it is asked for.
 */
export async function ready(page) {
  const ready = 'main[data-phase="ready"]:is([data-annex="there"], :has(#scan))';
  // The foot comes last, and is hidden in a page that is embedded without it.
  await page.waitForSelector(`${ready} ~ footer`, { state: 'attached', timeout: PATIENCE });
}

/** Opens the page and waits until it takes files. */
export async function openReady(browser, url, options) {
  const page = await open(browser, url, options);
  await ready(page);
  return page;
}

async function transfer(page, files) {
  return page.evaluateHandle((files) => {
    const data = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
    }
    return data;
  }, files.map(({ name, bytes, type = '' }) => ({ name, type, base64: Buffer.from(bytes).toString('base64') })));
}

/** Drops a file the way a browser reports it. */
export async function drop(page, name, bytes, target = 'main') {
  return dropAll(page, [{ name, bytes }], target);
}

/** Drops several files together. */
export async function dropAll(page, files, target = 'main') {
  const dataTransfer = await transfer(page, files);
  await page.dispatchEvent(target, 'dragover', { dataTransfer });
  await page.dispatchEvent(target, 'drop', { dataTransfer });
}

export async function pick(page, name, bytes) {
  await page.setInputFiles('#file', { name, mimeType: 'image/png', buffer: Buffer.from(bytes) });
}

export async function paste(page, name, bytes) {
  const clipboardData = await transfer(page, [{ name, bytes, type: 'image/png' }]);
  await page.evaluate((clipboardData) => {
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, clipboardData);
}

/** Waits for the result of the file of this name and reads it off the page. */
export async function result(page, name) {
  await page.waitForFunction(
    (name) =>
      document.querySelector('main')?.dataset.phase === 'ready' &&
      document.querySelector('#file-name')?.textContent === name &&
      document.querySelector('footer'),
    name,
    { timeout: PATIENCE },
  );
  return read(page);
}

/** The result that the page shows. */
export async function read(page) {
  return page.evaluate(() => {
    const text = (selector, within = document) => within.querySelector(selector)?.textContent.trim() ?? '';
    return {
      file: text('#file-name'),
      verdict: text('#verdict'),
      kind: document.querySelector('.verdict')?.dataset.kind ?? '',
      reason: text('#reason'),
      uncertainty: text('#uncertainty'),
      engine: text('#engine'),
      heat: text('#heat-text'),
      requests: text('#requests'),
      caution: text('.caution'),
      bars: [...document.querySelectorAll('.bar')].map((bar) => ({
        class: bar.dataset.class,
        name: text('.name', bar),
        percent: text('.number', bar),
        width: bar.querySelector('.fill').style.width,
        chosen: bar.querySelector('input').checked,
        predicted: bar.classList.contains('predicted'),
      })),
    };
  });
}

/** Checks that the verdict, of whatever kind, agrees with the bars. */
export function agrees(shown) {
  const best = shown.bars.filter((bar) => bar.predicted);
  assert.equal(best.length, 1);
  const [{ name, percent }] = best;
  if (shown.kind === 'class') {
    assert.equal(shown.verdict, `${name} — ${percent}`);
  } else if (shown.kind === 'unsure') {
    assert.ok(shown.verdict.startsWith(`Unsure between ${name} and `), shown.verdict);
    assert.ok(shown.reason.startsWith(`${name} ${percent}, `), shown.reason);
  } else {
    assert.equal(shown.kind, 'strange');
    assert.match(shown.verdict, /does not look like a brain MRI like those the model knows/);
    assert.match(shown.reason, /\.$/);
    assert.ok(shown.bars.every((bar) => bar.percent === ''), 'numbers beside a refusal');
  }
}

/** What a canvas holds: how many pixels are visible, how many different ones, and a hash of all. */
export async function canvas(page, selector) {
  return page.evaluate((selector) => {
    const element = document.querySelector(selector);
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    const colours = new Set();
    let visible = 0;
    let hash = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] > 25) visible += 1;
      const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
      colours.add(colour);
      hash = (Math.imul(hash, 31) + colour + data[at + 3]) | 0;
    }
    return { width: element.width, height: element.height, visible, colours: colours.size, hash };
  }, selector);
}

export async function alertText(page) {
  const alert = page.locator('#alert .banner p');
  await alert.waitFor();
  return (await alert.textContent()).trim();
}

export async function noProblems(page) {
  assert.deepEqual(await page.evaluate(() => globalThis.violations), [], 'the content security policy was violated');
  assert.deepEqual(page.problems, [], 'the browser reported errors');
}

export async function screenshot(page, name, options = {}) {
  mkdirSync(OUT, { recursive: true });
  // Bars and pictures move for half a second.
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(OUT, `${name}.png`), ...options });
}
