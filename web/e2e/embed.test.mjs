// The page in a frame of another page: what it shows, whom it speaks with, and what it never says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { heard, host } from './host.mjs';
import { launch, noProblems, open, record, screenshot } from './harness.mjs';
import { photograph } from './images.mjs';
import { nifti } from './volumes.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds in a page or frame. */
async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], iframes: false });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120))}`);
  });
}

const frame = (address) => `<iframe id="frame" title="Scanlight" width="900" height="700" src="${address}"></iframe>`;

describe('embedded', () => {
  let browser, server;
  const hosts = [];

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    for (const one of hosts) await one.close();
  });

  async function embed(query) {
    const around = await host(frame(`${server.url}?embed&backend=cpu${query.replaceAll('&', '&amp;')}`));
    hosts.push(around);
    const page = await open(browser, around.url);
    const inside = page.frames().find((one) => one.url().startsWith(server.url));
    return { page, inside, around };
  }

  test('it tells the page around it what happens, and does what that asks', async () => {
    const { page, inside } = await embed('&controls=basic');
    const hello = await heard(page, 'ready');
    assert.equal(`${hello.origin}/`, server.url);
    assert.equal(hello.source, 'scanlight');
    assert.equal(hello.version, 1);
    assert.ok(hello.samples.includes('glioma-axial'), hello.samples);
    assert.ok((await heard(page, 'resize')).height > 100);

    const say = (message) =>
      page.evaluate((message) => {
        if (message.bytes) message.bytes = Uint8Array.from(message.bytes).buffer;
        const { contentWindow } = document.querySelector('#frame');
        contentWindow.postMessage({ target: 'scanlight', version: 1, ...message }, '*');
      }, message);
    await say({ type: 'sample', sample: 'glioma-axial' });
    const first = await heard(page, 'result');
    assert.equal(first.sample, 'glioma-axial');
    assert.ok(first.probabilities.some((one) => one.class === 'glioma'));
    const sum = first.probabilities.reduce((sum, one) => sum + one.probability, 0);
    assert.ok(Math.abs(sum - 1) < 1e-3, `${sum}`);

    await say({ type: 'open', name: 'secret-name.png', bytes: [...photograph(64, 64)] });
    await page.waitForFunction(() => heard.some((one) => one.type === 'result' && one.sample === null));
    await say({ type: 'open', name: 'secret-name.png', bytes: [1, 2, 3] });
    assert.equal((await heard(page, 'error')).code, 'intake.rejected');
    await say({ type: 'setMethod', method: 'guess' });
    await page.waitForFunction(() => heard.some((one) => one.code === 'protocol.method'));
    assert.doesNotMatch(JSON.stringify(await page.evaluate(() => heard)), /secret-name/);

    assert.ok(await inside.locator('.caution').isVisible(), 'what the answer is not');
    assert.equal(await inside.locator('.foot').isVisible(), false);
    assert.equal(await inside.locator('.lab').isVisible(), false);
    await screenshot(page, 'embedded');
    assert.deepEqual(await violations(inside), []);
  });

  test('what the address asks for and is not there is an error to who wrote it', async () => {
    const { page } = await embed('&model=none-such&sample=nothing');
    await page.waitForFunction(() => {
      const codes = heard.map((one) => one.code);
      return codes.includes('options.model') && codes.includes('links.no_sample');
    });
    // The usual model answers all the same.
    await heard(page, 'ready');
  });

  test('another model takes over in place, and any kind of file can be given', async () => {
    const other = join(import.meta.dirname, '../../trainer/reports/nickparvar');
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    const own = index.models.filter(({ id }) => id === index.default);
    const both = { ...index, models: [...own, { id: 'other', title: 'Other' }] };
    server.answer('models/index.json', () => ({ status: 200, body: Buffer.from(JSON.stringify(both)) }));
    for (const file of ['model.json', 'model.safetensors']) {
      server.answer(`models/other/${file}`, () => ({ status: 200, body: readFileSync(join(other, file)) }));
    }
    const { page, inside } = await embed('');
    const first = await heard(page, 'ready');
    const say = (message) =>
      page.evaluate((message) => {
        if (message.bytes) message.bytes = new Blob([Uint8Array.from(message.bytes)]);
        const { contentWindow } = document.querySelector('#frame');
        contentWindow.postMessage({ target: 'scanlight', version: 1, ...message }, '*');
      }, message);
    await say({ type: 'open', name: 'head.nii', bytes: [...nifti([24, 28, 5])] });
    const before = await heard(page, 'result');
    await inside.waitForSelector('#study');
    const loads = server.count(/^$/);
    await say({ type: 'setModel', model: 'other' });
    await page.waitForFunction((id) => heard.findLast((one) => one.type === 'ready').model !== id, first.model);
    const after = await heard(page, 'result');
    assert.equal(after.model, 'nickparvar');
    assert.notDeepEqual(after.probabilities, before.probabilities);
    assert.equal(server.count(/^$/), loads, 'the frame was loaded anew');
    assert.ok(await inside.locator('#study').isVisible(), 'what was open is gone');
    await say({ type: 'setModel', model: 'none-such' });
    await page.waitForFunction(() => heard.some((one) => one.code === 'protocol.model'));
    for (const path of ['models/index.json', 'models/other/model.json', 'models/other/model.safetensors']) server.restore(path);
    await page.context().close();
  });

  test('another origin than the named one hears nothing and is not heard', async () => {
    const { page, inside } = await embed('&origin=https://elsewhere.example');
    await inside.waitForSelector('main[data-phase="ready"]');
    await page.evaluate(() => {
      const message = { target: 'scanlight', version: 1, type: 'sample', sample: 'glioma-axial' };
      document.querySelector('#frame').contentWindow.postMessage(message, '*');
    });
    await page.waitForTimeout(1500);
    assert.deepEqual(await page.evaluate(() => heard), []);
    assert.equal(await inside.locator('main').getAttribute('data-phase'), 'ready');
    assert.equal(await inside.locator('#file-name').count(), 0);
  });

  test('the demo page shows both ways', async () => {
    const page = await open(browser, server.url, { query: 'embed.html' });
    await page.locator('#frame').scrollIntoViewIfNeeded();
    await page.waitForFunction(() => {
      const text = document.querySelector('#log').textContent;
      return text.includes('element: {"source":"scanlight","version":1,"type":"result"') &&
        text.includes('frame: {"source":"scanlight","version":1,"type":"result"');
    });
    await noProblems(page);
    await screenshot(page, 'embed-demo', { fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 320, height: 640 });
    await screenshot(page, 'embed-demo-light-320', { fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${wide}`);
    assert.deepEqual(await violations(page), []);
  });

  test('the demo page speaks the visitor’s language', async () => {
    const say = (page) => page.locator('h1').textContent();
    for (const [locale, heading, direction] of [['de-AT', 'In der eigenen Seite', 'ltr'], ['ar', 'في صفحتك', 'rtl'], ['es', 'En su propia página', 'ltr']]) {
      const page = await open(browser, server.url, { query: 'embed.html', locale });
      await page.waitForFunction((heading) => document.querySelector('h1').textContent === heading, heading);
      assert.equal(await page.getAttribute('html', 'dir'), direction);
      assert.equal(await page.getAttribute('html', 'lang'), locale.split('-')[0]);
      const { messages } = JSON.parse(readFileSync(join(import.meta.dirname, `../messages/languages/${locale.split('-')[0]}.json`)));
      assert.equal(await page.title(), messages['demo.title']);
      assert.equal(await page.getAttribute('#log', 'aria-label'), messages['demo.messages']);
      assert.equal(await page.getAttribute('#frame', 'title'), messages['demo.frame_name']);
      const texts = await page.locator('[data-say]').evaluateAll((all) => all.map((one) => [one.dataset.say, one.textContent]));
      for (const [key, text] of texts) assert.equal(text, messages[key]);
      // The viewers in it say the same language.
      const inside = page.frames().find((one) => one.url().includes('meningioma'));
      await inside.waitForSelector(`html[lang="${locale.split('-')[0]}"]`);
      await noProblems(page);
      if (locale === 'ar') {
        await page.setViewportSize({ width: 320, height: 640 });
        await screenshot(page, 'embed-demo-arabic-320', { fullPage: true });
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
        assert.deepEqual(await violations(page), []);
      }
      await page.context().close();
    }
    // The address goes before the browser; what nobody speaks is English.
    const asked = await open(browser, server.url, { query: 'embed.html?lang=de', locale: 'fr-FR' });
    await asked.waitForFunction(() => document.documentElement.lang === 'de');
    await asked.context().close();
    const french = await open(browser, server.url, { query: 'embed.html', locale: 'fr-FR' });
    assert.equal(await say(french), 'In your own page');
    await french.context().close();
  });
});
