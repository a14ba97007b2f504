// What the tests of the workbench's tables share.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { PATIENCE } from './harness.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Waits until the table has come to this. */
export async function done(page, status = 'done') {
  await page.waitForSelector(`.batch[data-status="${status}"]`, { timeout: PATIENCE });
  // The table hears of news a moment later.
  await page.waitForTimeout(400);
}

/** The fields of a CSV text, by RFC 4180. */
export function parse(text) {
  const lines = [[]];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === '"' && text[at + 1] === '"') field += text[(at += 1)];
      else if (char === '"') quoted = false;
      else field += char;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      lines.at(-1).push(field);
      field = '';
    } else if (char === '\r' && text[at + 1] === '\n') {
      lines.at(-1).push(field);
      lines.push([]);
      field = '';
      at += 1;
    } else field += char;
  }
  assert.deepEqual(lines.pop(), [], 'the last line has no end');
  const [names, ...rows] = lines;
  return rows.map((cells) => {
    assert.equal(cells.length, names.length);
    return Object.fromEntries(cells.map((cell, index) => [names[index], cell]));
  });
}

/** The text that a button saves. */
export async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return readFileSync(await download.path(), 'utf8');
}

/** Nothing that a program can find is wrong for people who use the page otherwise. */
export async function accessible(page, state) {
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.failureSummary).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
}

/** The rows' names, in the order in which they are shown. */
export const names = (page) => page.locator('.answers tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.path));
