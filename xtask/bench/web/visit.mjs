// One visit of one contestant: a fresh browser, the page cold, the page again, then calls.

import { readFileSync } from 'node:fs';
import { ask, launch, open, peakMemory } from './browser.mjs';
import { install } from './pages/scanlight.mjs';

/** How long a new browser is left alone, in milliseconds. */
const SETTLING = 2000;

/**
 * Visits a contestant; `plane` holds the preprocessed image's values, `iterations` says how often each call is timed.
 *
 * Gives times in milliseconds and memory in bytes.
 */
export async function visit(config, server, contestant, { plane, iterations }) {
  const browser = await launch(config);
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
    const before = contestant.ours ? { script: install, argument: file(config) } : undefined;
    const url = server.url + contestant.url;
    server.take();
    // A visitor's browser has been running for a while: its own start is nobody's.
    await new Promise((done) => setTimeout(done, SETTLING));
    let page = await open(context, url, { before });
    const cold = await ask(page, 'first');
    const sent = server.take();
    await page.close();

    page = await open(context, url, { before });
    const warmCache = await ask(page, 'first');
    const again = server.take();
    if (contestant.ours) await rightEngine(page, contestant);
    const { whole, longTasks } = await ask(page, 'whole', iterations);
    let found = { cold, warmCache, page: whole, longTasks, sent, again };
    if (contestant.ours) {
      found.memory = await peakMemory(browser);
      found.shown = (await ask(page, 'shown')).shares;
      await page.close();
      page = await open(context, server.url + contestant.engine.url);
      found.engine = await ask(page, 'detail');
      found.probabilities = await ask(page, 'check', plane);
      found = { ...found, ...(await ask(page, 'classify', plane, iterations)) };
    } else {
      found.whole = whole;
      found.probabilities = await ask(page, 'check', plane);
      found = { ...found, ...(await ask(page, 'classify', plane, iterations)) };
      found.memory = await peakMemory(browser);
    }
    return found;
  } finally {
    await browser.close();
  }
}

/** The page falls back to the CPU where WebGPU fails: that is no measurement of WebGPU. */
async function rightEngine(page, contestant) {
  const { engine, notice } = await ask(page, 'shown');
  const wanted = contestant.path === 'webgpu' ? 'WebGPU' : 'CPU';
  if (!engine.startsWith(wanted)) throw new Error(notice || `the page ran on ${engine || 'no engine'}`);
}

function file({ image }) {
  const bytes = readFileSync(image);
  const type = bytes[0] === 0x89 ? 'image/png' : 'image/jpeg';
  return { name: 'first.png', base64: bytes.toString('base64'), type };
}

/** The browser, its GPU as WebGPU tells it, and what an empty page takes. */
export async function surroundings(config, server) {
  const browser = await launch(config);
  try {
    const page = await open(await browser.newContext(), `${server.url}/empty/`);
    const adapter = await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      if (!adapter) return null;
      const { vendor, architecture, device, description } = adapter.info;
      return { vendor, architecture, device, description, fallback: Boolean(adapter.info.isFallbackAdapter) };
    });
    const isolated = await page.evaluate(() => crossOriginIsolated);
    return { version: browser.version(), adapter, isolated, emptyPage: await peakMemory(browser) };
  } finally {
    await browser.close();
  }
}
