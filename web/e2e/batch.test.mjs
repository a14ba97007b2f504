// Several pictures at once: the workbench's table, its files, and what it does not do.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { canvas, drop, launch, noProblems, openReady, record, result, screenshot } from './harness.mjs';
import { BAD_FILES, phantom, png } from './images.mjs';
import { accessible, done, names, parse, saved } from './tables.mjs';

const QUERY = '?backend=cpu';

/** Heads that differ: the spot's brightness and the size. */
function head(number) {
  const [width, height] = [120 + 8 * (number % 5), 150];
  const pixels = phantom(width, height).map((value) => (value === 225 ? 40 + ((number * 37) % 215) : value));
  return png(width, height, Buffer.from(pixels));
}

async function give(page, files) {
  const input = page.locator('#file');
  await input.setInputFiles(files.map(({ name, bytes }) => ({ name, mimeType: 'image/png', buffer: Buffer.from(bytes) })));
}

describe('several pictures', () => {
  let browser, server;

  before(async () => {
    browser = await launch();
    server = await record();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test('each is answered as it is alone; bad files are rows; the tables hold the same', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    assert.equal(server.count(/workbench/), 0, 'the workbench was fetched before anybody asked for it');
    const good = [1, 2, 3, 4].map((number) => ({ name: `head${number}.png`, bytes: head(number) }));
    good[1].name = '=cmd,"x".png';
    const files = [...good, ...BAD_FILES];
    await give(page, files);
    await done(page);
    assert.equal(server.count(/^scanlight-workbench_bg\.wasm$/), 1);
    assert.equal(server.count(/\.safetensors$/), 1, 'the model was fetched twice');
    assert.equal(await page.textContent('#requests'), '0');
    const asked = server.requests.length;
    await page.click('.answers thead th:nth-child(2) button');
    await page.click('.answers thead th:first-child button');
    assert.deepEqual(await names(page), files.map((file) => file.name));
    assert.match(await page.textContent('#batch-line'), new RegExp(`All ${files.length} done, ${BAD_FILES.length} could not`));
    for (const { name, says } of BAD_FILES) {
      assert.match(await page.textContent(`.answers tr[data-path="${name}"]`), says);
    }
    const thumbnail = await canvas(page, '.answers tbody tr:first-child canvas');
    assert.ok(thumbnail.colours > 5 && Math.max(thumbnail.width, thumbnail.height) === 48, JSON.stringify(thumbnail));

    const rows = parse(await saved(page, '#save-csv'));
    const whole = JSON.parse(await saved(page, '#save-json'));
    const manifest = await (await fetch(`${server.url}models/${whole.model.id}/model.json`)).json();
    assert.equal(whole.model.weights_sha256, manifest.weights.sha256);
    assert.equal(rows.length, files.length);
    assert.equal(rows[1].file, `'=cmd,"x".png`);
    assert.equal(whole.images[1].file, '=cmd,"x".png');
    for (const [index, row] of rows.entries()) {
      assert.equal(row.weights_sha256, manifest.weights.sha256);
      const image = whole.images[index];
      if (index >= good.length) {
        assert.match(row.error, BAD_FILES[index - good.length].says);
        assert.equal(row.predicted, '');
        continue;
      }
      assert.equal(row.error, '');
      const sum = manifest.classes.reduce((sum, name) => sum + Number(row[`p_${name}`]), 0);
      assert.ok(Math.abs(sum - 1) < 1e-4);
      for (const name of manifest.classes) assert.ok(Math.abs(row[`p_${name}`] - image.probabilities[name]) < 1e-6);
    }
    // Alone, the same pictures get the same answers.
    for (const [index, { name, bytes }] of good.slice(0, 3).entries()) {
      await drop(page, `alone${index}.png`, bytes);
      const shown = await result(page, `alone${index}.png`);
      const verdicts = { class: 'class', unsure: 'unsure', strange: 'not_like_training' };
      assert.equal(rows[index].verdict, verdicts[shown.kind]);
      // A refusal shows no numbers.
      if (shown.kind === 'strange') continue;
      for (const bar of shown.bars) {
        const percent = Number(rows[index][`p_${bar.class}`]) * 100;
        const said = Number(bar.percent.replace(/[^\d.]/g, ''));
        assert.ok(Math.abs(percent - said) <= 1.0, `${name} ${bar.class}: ${percent} and ${bar.percent}`);
      }
      assert.equal(shown.requests, '0');
    }
    const manifests = server.requests.slice(asked).filter((path) => path !== `models/${whole.model.id}/model.json`);
    assert.deepEqual(manifests, [], 'something was fetched'); // But the manifest, by this test.
    await noProblems(page);
    await page.context().close();
  });

  test('on WebGPU it is the same table', async () => {
    const files = [1, 2, 3].map((number) => ({ name: `head${number}.png`, bytes: head(number) }));
    const tables = [];
    for (const query of ['?backend=webgpu', QUERY]) {
      const page = await openReady(browser, server.url, { query });
      await give(page, files);
      await done(page);
      tables.push(JSON.parse(await saved(page, '#save-json')));
      assert.equal(await page.textContent('#requests'), '0');
      await noProblems(page);
      await page.context().close();
    }
    const [gpu, cpu] = tables;
    assert.match(gpu.engine, /^WebGPU/);
    assert.match(cpu.engine, /^CPU/);
    for (const [index, image] of gpu.images.entries()) {
      assert.equal(image.verdict, cpu.images[index].verdict);
      for (const [name, value] of Object.entries(cpu.images[index].probabilities)) {
        assert.ok(Math.abs(image.probabilities[name] - value) < 2e-3, `${image.file}: ${name}`);
      }
    }
  });

  test('sorting by the keyboard, rows open the reading room, closing frees it', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    const files = [3, 10, 2, 1].map((number) => ({ name: `head${number}.png`, bytes: head(number) }));
    await give(page, files);
    await done(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'bench-title');
    const name = page.locator('.answers thead th:nth-child(2)');
    await name.locator('button').focus();
    await page.keyboard.press('Enter');
    assert.equal(await name.getAttribute('aria-sort'), 'ascending');
    assert.deepEqual(await names(page), ['head1.png', 'head2.png', 'head3.png', 'head10.png']);
    await page.keyboard.press('Enter');
    assert.equal(await name.getAttribute('aria-sort'), 'descending');
    assert.deepEqual(await names(page), ['head10.png', 'head3.png', 'head2.png', 'head1.png']);
    const first = page.locator('.answers thead th:nth-child(4)');
    await first.locator('button').click();
    const percents = await page.locator('.answers tbody tr td:nth-child(4)').allTextContents();
    const values = percents.map((text) => Number(text.replace(/[^\d.]/g, '')));
    assert.deepEqual(values, [...values].sort((a, b) => b - a));
    await page.locator('.open-row', { hasText: 'head2.png' }).focus();
    await page.keyboard.press('Enter');
    const shown = await result(page, 'head2.png');
    assert.equal(shown.requests, '0');
    await page.click('#bench-close');
    assert.equal(await page.locator('.answers').count(), 0);
    assert.ok(await page.locator('.bench').isHidden());
    await noProblems(page);
    await page.context().close();
  });

  test('many files: pages, cancel, go on', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    // So many that they are not done before somebody can cancel.
    const files = Array.from({ length: 400 }, (_, number) => ({ name: `head${number}.png`, bytes: head(number) }));
    await give(page, files);
    await page.waitForFunction(() => /^[1-9]\d* of 400/.test(document.querySelector('#batch-line')?.textContent));
    await page.click('#batch-cancel');
    await done(page, 'cancelled');
    const said = await page.textContent('#batch-line');
    const stopped = Number(said.match(/Ended after (\d+) of 400/)[1]);
    assert.ok(stopped > 0 && stopped < 400, said);
    await page.waitForTimeout(1000);
    assert.equal(await page.textContent('#batch-line'), said, 'it went on');
    await page.click('#batch-resume');
    await done(page);
    assert.match(await page.textContent('#batch-line'), /All 400 done, all of them could be read/);
    assert.equal(await page.locator('.answers tbody tr').count(), 50);
    for (let times = 0; times < 7; times += 1) await page.click('#page-on');
    assert.equal(await page.locator('.answers tbody tr').count(), 50);
    assert.equal(await page.textContent('#page-number'), 'Page 8 of 8');
    assert.equal(parse(await saved(page, '#save-csv')).filter((row) => row.predicted).length, 400);
    assert.equal(await page.textContent('#requests'), '0');
    await noProblems(page);
    await page.context().close();
  });

  test('a workbench that cannot be fetched is one clear line, and a second try works', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    server.answer('scanlight-workbench_bg.wasm', () => ({ status: 503, body: Buffer.from('') }));
    await give(page, [1, 2].map((number) => ({ name: `head${number}.png`, bytes: head(number) })));
    await page.waitForSelector('.bench[data-stage="failed"]');
    assert.match(await page.textContent('#bench-said'), /cannot be shown.*503.*Nothing of your files has been read/);
    await accessible(page, 'failed');
    server.restore('scanlight-workbench_bg.wasm');
    await page.click('#bench-retry');
    await done(page);
    assert.equal(await page.locator('.answers tbody tr').count(), 2);
    await page.context().close();
  });

  for (const [name, look] of Object.entries({
    dark: { colorScheme: 'dark' },
    light: { colorScheme: 'light' },
    'dark-390': { colorScheme: 'dark', viewport: { width: 390, height: 780 } },
    'light-320': { colorScheme: 'light', viewport: { width: 320, height: 640 } },
    arabic: { colorScheme: 'dark', locale: 'ar' },
  })) {
    test(`accessible: ${name}`, async () => {
      const page = await openReady(browser, server.url, { query: QUERY, ...look });
      const files = [1, 2, 3].map((number) => ({ name: `head${number}.png`, bytes: head(number) }));
      await give(page, [...files, BAD_FILES[0]]);
      await done(page);
      await accessible(page, name);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      await screenshot(page, `batch-${name}`);
      await noProblems(page);
      await page.context().close();
    });
  }
});
