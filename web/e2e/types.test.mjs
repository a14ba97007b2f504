// The package's types say what the package does, and TypeScript agrees with them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const PACKAGE = join(import.meta.dirname, '../package');
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const USE = `
import { VERSION, type OutgoingMessage } from '${PACKAGE}/scanlight-viewer.js';
const viewer = document.querySelector('scanlight-viewer')!;
viewer.addEventListener('result', ({ detail }) => detail.probabilities[0]?.probability.toFixed(VERSION));
viewer.method = 'layer-cam';
viewer.lesson = 'synthetic';
viewer.open(new Blob());
// @ts-expect-error: no method of this name
viewer.method = 'guess';
// @ts-expect-error: bytes, not text
viewer.open('text');
export const height = (message: OutgoingMessage) => (message.type === 'resize' ? message.height : 0);
`;

test('the types hold', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scanlight-types-'));
  try {
    const file = join(folder, 'use.mts');
    writeFileSync(file, USE);
    const options = ['--noEmit', '--strict', '--lib', 'es2022,dom', '--module', 'nodenext'];
    execFileSync(process.execPath, [TSC, ...options, file], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    assert.fail(error.stdout || error.message);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('npm packs what the package names', () => {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: PACKAGE, encoding: 'utf8' });
  const files = JSON.parse(told)[0].files.map(({ path }) => path).sort();
  assert.deepEqual(files, ['README.md', 'package.json', 'scanlight-viewer.d.ts', 'scanlight-viewer.js']);
});
