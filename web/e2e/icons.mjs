// Draws public/icons from public/favicon.svg: `node icons.mjs`, after a change of the favicon.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './harness.mjs';

const PUBLIC = join(import.meta.dirname, '../../public');
const ICONS = [
  { name: 'icon-192', side: 192, filled: 1 },
  { name: 'icon-512', side: 512, filled: 1 },
  { name: 'apple-touch-icon', side: 180, filled: 0.84, ground: true },
  // A mask may leave a circle of four fifths only.
  { name: 'maskable-192', side: 192, filled: 0.78, ground: true },
  { name: 'maskable-512', side: 512, filled: 0.78, ground: true },
];

const svg = readFileSync(join(PUBLIC, 'favicon.svg'), 'utf8');
const ground = svg.match(/<rect[^>]* fill="(#[0-9a-f]{6})"/)[1];
mkdirSync(join(PUBLIC, 'icons'), { recursive: true });
const browser = await launch({ gpu: false });
const page = await browser.newPage();
for (const icon of ICONS) {
  await page.setViewportSize({ width: icon.side, height: icon.side });
  const inside = Math.round(icon.side * icon.filled);
  await page.setContent(
    `<body style="margin:0;display:grid;place-items:center;height:100vh;${icon.ground ? `background:${ground}` : ''}">` +
      `<img style="width:${inside}px;height:${inside}px" src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}">`,
  );
  await page.locator('img').evaluate((image) => image.decode());
  await page.screenshot({ path: join(PUBLIC, 'icons', `${icon.name}.png`), omitBackground: true });
}
await browser.close();
