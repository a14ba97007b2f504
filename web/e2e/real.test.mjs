// Real scans, where the machine has them (SCANLIGHT_DATA): every class is read, labelled and drawn.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agrees, canvas, drop, launch, noProblems, openReady, record, result, screenshot } from './harness.mjs';

const DATA = process.env.SCANLIGHT_DATA;
const FOLDER = DATA && join(DATA, 'nickparvar', 'Testing');
const CLASSES = ['glioma', 'meningioma', 'notumor', 'pituitary'];
const EACH = 5;

describe('real scans', { skip: !FOLDER || !existsSync(FOLDER) ? 'there are no real scans on this machine' : false }, () => {
  let browser, server, page;

  before(async () => {
    browser = await launch();
    server = await record();
    page = await openReady(browser, server.url, { query: '?backend=cpu' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('every class is labelled, most of them rightly, and nothing is sent', async (t) => {
    const before = server.requests.length;
    let right = 0;
    let total = 0;
    for (const name of CLASSES) {
      const folder = join(FOLDER, name);
      const files = readdirSync(folder).filter((file) => file.endsWith('.jpg')).sort();
      for (let index = 0; index < EACH; index += 1) {
        const file = files[Math.floor((index * files.length) / EACH)];
        const shownName = `${name}-${index}.jpg`;
        await drop(page, shownName, readFileSync(join(folder, file)));
        const shown = await result(page, shownName);
        const predicted = shown.bars.find((bar) => bar.predicted);
        agrees(shown);
        const overlay = await canvas(page, '#overlay');
        assert.ok(overlay.colours > 1, `${shownName}: the heat map is blank`);
        total += 1;
        if (predicted.class === name) right += 1;
        if (index === 0) await screenshot(page, `real-${name}`);
      }
    }
    t.diagnostic(`${right} of ${total} real scans labelled rightly`);
    assert.deepEqual(server.requests.slice(before), []);
    // Chance would be one in four.
    assert.ok(right >= total / 2, `only ${right} of ${total} are right`);
    await noProblems(page);
  });
});
