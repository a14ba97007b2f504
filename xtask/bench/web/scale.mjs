// Drives `cargo xtask bench scale`: node scale.mjs CONFIG.json. More images, and larger input planes, through the
// page's engines.

import { readFileSync, writeFileSync } from 'node:fs';
import { ask, launch, open, peakMemory } from './browser.mjs';
import { prepare } from './prepare.mjs';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { all, server } = await prepare(config);

/** Runs `work` with an engine's own page in a browser of its own. */
async function alone(contestant, work) {
  const browser = await launch(config);
  try {
    const page = await open(await browser.newContext(), server.url + contestant.engine.url);
    await ask(page, 'detail');
    return await work(page, browser);
  } finally {
    await browser.close();
  }
}

/** `count` images in pieces, so that no single question takes too long to wait for. */
async function batch(page, count) {
  let ms = 0;
  for (let left = count; left > 0; left -= 50) ms += await ask(page, 'batch', Math.min(left, 50));
  return ms;
}

try {
  const found = [];
  for (const engine of config.engines) {
    const contestant = all.find(({ name }) => name === `scanlight-${engine}`);
    if (!contestant) throw new Error(`there is no engine ${engine}: cpu and webgpu are known`);
    const batches = [];
    for (const images of config.images) {
      const one = await alone(contestant, async (page, browser) => {
        await batch(page, 1);
        const ms = await batch(page, images);
        return { images, ms, memory: (await peakMemory(browser)).renderer };
      });
      batches.push(one);
      console.log(`    ${engine}: ${images} images in ${(one.ms / 1e3).toFixed(1)} s`);
    }
    let volume = null;
    if (config.slices > 0) {
      volume = await alone(contestant, async (page, browser) => {
        await batch(page, 1);
        let ms = 0;
        for (let from = 0; from < config.slices; from += 32) {
          ms += await ask(page, 'volume', from, Math.min(from + 32, config.slices));
        }
        return { images: config.slices, ms, memory: (await peakMemory(browser)).renderer };
      });
      console.log(`    ${engine}: a volume of ${config.slices} slices in ${(volume.ms / 1e3).toFixed(1)} s`);
    }
    const sides = [];
    for (const side of config.sides) {
      const ms = await alone(contestant, (page) => ask(page, 'side', side, config.iterations));
      sides.push({ side, ms });
    }
    found.push({ engine, batches, volume, sides });
  }
  writeFileSync(config.out, `${JSON.stringify(found)}\n`);
} finally {
  await server.close();
}
