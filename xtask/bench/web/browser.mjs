// The browser: started fresh for every visit, so that no cache of an earlier one is left, not even the GPU
// process's compiled shaders.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Software GPUs compile shaders slowly. */
export const PATIENCE = 240_000;

/** Starts the browser with an empty profile; `modules` is the folder in which playwright-core is installed. */
export async function launch({ chrome, modules, flags = [] }) {
  const { chromium } = createRequire(join(modules, 'x.js'))('playwright-core');
  return chromium.launch({
    executablePath: chrome,
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
      '--enable-unsafe-webgpu',
      // A renderer kept in reserve would be counted as the page's.
      '--disable-features=SpareRendererForSitePerProcess',
      ...flags,
    ],
  });
}

/** Opens an address in a page of the context. */
export async function open(context, url, { before } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(message.text());
  });
  if (before) await page.addInitScript(before.script, before.argument);
  const answer = await page.goto(url, { waitUntil: 'commit' });
  if (!answer.ok()) throw new Error(`${url} answered ${answer.status()}`);
  return page;
}

/** Calls a function of the page's `window.bench`. */
export async function ask(page, name, ...args) {
  await page.waitForFunction(() => window.bench, null, { polling: 50 }).catch((error) => {
    throw new Error(page.problems[0] ?? error.message);
  });
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(page.problems[0] ?? `no answer within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  try {
    return await Promise.race([page.evaluate(([name, args]) => window.bench[name](...args), [name, args]), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The largest resident memory that the browser's processes have had, in bytes; nothing where /proc has no word of it. */
export async function peakMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const peak = (kind) => {
    const found = processInfo.filter(({ type }) => type === kind).map(({ id }) => highWater(id));
    return found.length && found.every((value) => value !== null) ? Math.max(...found) : null;
  };
  return { renderer: peak('renderer'), gpu: peak('GPU') };
}

function highWater(id) {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'));
    return line ? Number(line[1]) * 1024 : null;
  } catch {
    return null;
  }
}
