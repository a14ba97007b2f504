// One answer on one page: on the screen, printed, and as a picture.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OUT, drop, launch, noProblems, openReady, read, record, result, screenshot, withoutThresholds } from './harness.mjs';
import { photograph, png } from './images.mjs';
import { dicom, head } from './volumes.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';

async function opened(page) {
  await page.click('#report-open');
  await page.waitForSelector('#report');
  return page.innerText('#report');
}

/** The picture that the button gives, with its size and how many different grey values are in it. */
async function kept(page) {
  const waits = page.waitForEvent('download');
  await page.click('#report-png');
  const download = await waits;
  assert.equal(download.suggestedFilename(), 'scanlight-report.png');
  const bytes = readFileSync(await download.path());
  assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
  return { bytes, width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

describe('the report', () => {
  let browser, server;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    await withoutThresholds(server);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('holds the answer, the pictures, the model with its hash, the date, and what it is not', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.equal(await page.locator('#report-open').count(), 0, 'a report of nothing');
    await drop(page, 'scan.png', png(200, 160));
    const shown = await result(page, 'scan.png');
    const sent = server.requests.length;
    const text = await opened(page);
    const manifest = await (await fetch(`${server.url}models/${(await page.textContent('#model')).split(' ')[0]}/model.json`)).json();
    for (const part of [shown.verdict, 'scan.png', manifest.weights.sha256, manifest.title, shown.heat, 'This is not a diagnosis.', '200 × 160']) {
      assert.ok(text.includes(part), `${part} is missing in ${text}`);
    }
    for (const { name, percent } of shown.bars) {
      const row = await page.locator('.report-numbers tr').filter({ hasText: name }).textContent();
      assert.ok(row.includes(percent), `${row} says not ${percent}`);
    }
    const year = String(new Date().getFullYear());
    assert.ok((await page.textContent('#report header')).includes(year));
    // The report's program was fetched because somebody asked for it; the counter says so.
    assert.deepEqual(
      server.requests.slice(sent).filter((path) => !path.startsWith('models/')).sort(),
      ['scanlight-workbench.js', 'scanlight-workbench_bg.wasm'],
    );
    assert.match(await page.textContent('#requests'), /^2, of these 2 for things that you asked for$/);
    const pictures = await page.locator('.report-pictures canvas').evaluateAll((all) =>
      all.map((one) => [one.width, one.height, new Set(one.getContext('2d').getImageData(0, 0, one.width, one.height).data).size]));
    assert.equal(pictures.length, 2);
    for (const [width, height, values] of pictures) {
      assert.deepEqual([width, height], [720, 576]);
      assert.ok(values > 20, 'nothing is drawn');
    }
    await screenshot(page, 'report', { fullPage: true });
    await noProblems(page);
    await page.context().close();
  });

  test('is one page of paper, and only the report is on it', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'scan.png', png(180, 220));
    await result(page, 'scan.png');
    await opened(page);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    mkdirSync(OUT, { recursive: true });
    writeFileSync(join(OUT, 'report.pdf'), pdf);
    assert.equal(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length, 1);
    await page.emulateMedia({ media: 'print' });
    const visible = await page.evaluate(() =>
      ['#report', '.top', '.foot', '.desk', '#report-print', '#bench-close'].map((one) => document.querySelector(one).checkVisibility()));
    assert.deepEqual(visible, [true, false, false, false, false, false]);
    await screenshot(page, 'report-print', { fullPage: true });
    // Without a report the page itself is printed.
    await page.emulateMedia({ media: null });
    await page.click('#bench-close');
    await page.emulateMedia({ media: 'print' });
    assert.ok(await page.locator('.desk').isVisible());
    await noProblems(page);
    await page.context().close();
  });

  test('as a picture it has the size of a page, and follows the name, the class and the heat map', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'scan.png', png(200, 160));
    await result(page, 'scan.png');
    await opened(page);
    const first = await kept(page);
    mkdirSync(OUT, { recursive: true });
    writeFileSync(join(OUT, 'report-kept.png'), first.bytes);
    assert.equal(first.width, 1240);
    assert.ok(first.height >= 1754);
    await page.fill('#report-name', 'Case 7');
    assert.ok((await page.innerText('#report')).includes('Case 7'));
    assert.ok(!(await page.innerText('#report')).includes('scan.png'));
    assert.notDeepEqual((await kept(page)).bytes, first.bytes);
    // Another class, and no map.
    await page.click('.bar:not(.predicted)');
    const other = await opened(page);
    assert.ok(other.includes((await read(page)).heat));
    await page.click('#heat-shown');
    await opened(page);
    assert.equal(await page.locator('.report-pictures canvas').count(), 1);
    await noProblems(page);
    await page.context().close();
  });

  test('nothing that a DICOM file says of a person gets into it', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const values = head([100, 120, 9]).subarray(4 * 12000, 5 * 12000);
    await drop(page, 'IM0001', dicom({ width: 100, height: 120, values, instance: 1, patient: 'Nobody^Known' }));
    await page.waitForFunction(() => document.querySelector('#file-name')?.textContent.startsWith('IM0001'));
    await page.waitForSelector('main[data-phase="ready"]');
    const text = await opened(page);
    // Nor what it is called: programs call such files after patients.
    assert.ok(text.includes('DICOM') && !text.includes('IM0001'), text);
    assert.ok(!/nobody|12345/i.test(text.replaceAll(/[0-9a-f]{64}/g, '')), text);
    await page.context().close();
  });

  test('is readable in other languages, narrow, dark and light, and by a screen reader', async () => {
    for (const [name, look] of [
      ['ar', { locale: 'ar', colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
      ['de', { locale: 'de-DE', colorScheme: 'light', viewport: { width: 320, height: 700 } }],
    ]) {
      const page = await openReady(browser, server.url, { query: QUERY, ...look });
      await drop(page, 'scan.png', png(200, 160));
      await result(page, 'scan.png');
      await opened(page);
      await screenshot(page, `report-${name}`, { fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      assert.equal(wide, false, `${name}: the page scrolls sideways`);
      writeFileSync(join(OUT, `report-kept-${name}.png`), (await kept(page)).bytes);
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { violations } = await axe.run(document, { resultTypes: ['violations'] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
      });
      assert.deepEqual(found, []);
      await noProblems(page);
      await page.context().close();
    }
  });
});

describe('the report of a refused picture', () => {
  test('has no probabilities, unless somebody asks for the numbers', async () => {
    const browser = await launch({ gpu: false });
    const server = await record();
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    // With this limit every picture in colours is refused.
    server.answer(`models/${index.default}/model.json`, (body) => {
      const manifest = JSON.parse(body);
      manifest.format_version = 2;
      manifest.trust = {
        uncertainty: { method: 'entropy', abstain_above: 1, coverage: 0.9, selective_accuracy: 0.99, aurc: 0.01, fitted_on: 'a test' },
        ood: { method: 'energy', threshold: 1e6, colour_limit: 0.06, acceptance: 0.95, rejected: {}, fitted_on: 'a test' },
      };
      return { body: Buffer.from(JSON.stringify(manifest)) };
    });
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'colours.png', photograph(160, 120));
    const shown = await result(page, 'colours.png');
    assert.equal(shown.kind, 'strange');
    const text = await opened(page);
    assert.ok(text.includes(shown.verdict) && text.includes('no probabilities'), text);
    assert.equal(await page.locator('.report-numbers').count(), 0);
    await page.click('#anyway');
    await opened(page);
    assert.equal(await page.locator('.report-numbers tr').count(), shown.bars.length);
    await noProblems(page);
    await browser.close();
    await server.close();
  });
});
