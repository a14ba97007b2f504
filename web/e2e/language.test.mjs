// The page in every language: who gets which, that all of it is translated, and that it fits.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  alertText, drop, launch, noProblems, open, openReady, read, ready, record, result, screenshot, withoutThresholds,
} from './harness.mjs';
import { photograph, png } from './images.mjs';

const FOLDER = join(import.meta.dirname, '../messages/languages');
const LANGUAGES = readdirSync(FOLDER).map((file) => basename(file, '.json'));
const catalogue = (code) => JSON.parse(readFileSync(join(FOLDER, `${code}.json`), 'utf8'));
const ENGLISH = catalogue('en').messages;
const PHONE = { deviceScaleFactor: 2, hasTouch: true, isMobile: true };

const spoken = (page) => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir, document.title]);

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe('languages', () => {
  let browser, server;

  before(async () => {
    browser = await launch();
    server = await record();
    await withoutThresholds(server);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  const fetched = () => server.requests.filter((path) => path.startsWith('languages/'));

  async function fresh(options = {}) {
    server.requests.length = 0;
    return openReady(browser, server.url, { query: '?backend=cpu', ...options });
  }

  test("the browser's language is taken, a regional one as well, and only its file is fetched", async () => {
    const page = await fresh({ locale: 'de-AT' });
    assert.deepEqual(await spoken(page), ['de', 'ltr', catalogue('de').messages['page.title']]);
    assert.equal(await page.inputValue('#language'), 'de');
    assert.deepEqual(fetched(), ['languages/de.json']);
    await drop(page, 'scan.png', png(200, 160));
    const shown = await result(page, 'scan.png');
    assert.match(shown.verdict, /^(Gliom|Meningeom|Kein Tumor|Hypophysen\u00adtumor) — (> )?\d+(,\d)?\s%$/);
    assert.match(shown.heat, /\d+\s% vom linken und .*\d+\s% vom oberen Bildrand/);
    await noProblems(page);
    await page.context().close();
  });

  test('English is there without a request, also for who speaks a language that is not', async () => {
    for (const locale of ['en-US', 'tlh']) {
      const page = await fresh({ locale });
      assert.deepEqual(await spoken(page), ['en', 'ltr', ENGLISH['page.title']]);
      assert.deepEqual(fetched(), []);
      await page.context().close();
    }
  });

  test('the address asks, the chooser changes, and the choice is remembered', async () => {
    const page = await fresh({ query: '?backend=cpu&lang=es', locale: 'de-DE' });
    assert.deepEqual((await spoken(page)).slice(0, 2), ['es', 'ltr']);
    await drop(page, 'scan.png', png(200, 160));
    const before = await result(page, 'scan.png');
    await page.selectOption('#language', 'ar');
    await page.waitForSelector('html[lang="ar"][dir="rtl"]');
    const now = await read(page);
    assert.notEqual(now.verdict, before.verdict);
    assert.deepEqual(now.bars.map((bar) => bar.width), before.bars.map((bar) => bar.width));
    assert.equal(new URL(page.url()).searchParams.get('lang'), 'ar');
    assert.equal(new URL(page.url()).searchParams.get('backend'), 'cpu');
    await page.goto(`${server.url}?backend=cpu`);
    await ready(page);
    assert.deepEqual((await spoken(page)).slice(0, 2), ['ar', 'rtl']);
    await page.selectOption('#language', 'en');
    await page.waitForSelector('html[lang="en"][dir="ltr"]');
    await noProblems(page);
    await page.context().close();
  });

  test('what was complained about follows the language', async () => {
    const page = await fresh();
    await drop(page, 'empty.png', Buffer.alloc(0));
    assert.match(await alertText(page), /^empty\.png: the file is empty/);
    await page.selectOption('#language', 'de');
    await page.waitForSelector('html[lang="de"]');
    assert.match(await alertText(page), /^empty\.png: Die Datei ist leer/);
    await page.context().close();
  });

  test('a language that cannot be had leaves English, and says so when it was chosen', async () => {
    server.answer('languages/de.json', () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await open(browser, server.url, { query: '?backend=cpu&lang=de' });
    await ready(page);
    assert.equal((await spoken(page))[0], 'en');
    await page.selectOption('#language', 'de');
    assert.match(await alertText(page), /Deutsch could not be loaded: languages\/de\.json: the server answered 404/);
    assert.equal((await spoken(page))[0], 'en');
    server.restore('languages/de.json');
    await page.context().close();
  });

  test('an old catalogue lacks a message: it is said in English', async () => {
    server.answer('languages/de.json', (body) => {
      const file = JSON.parse(body);
      delete file.messages['samples.title'];
      return { body: Buffer.from(JSON.stringify(file)) };
    });
    const page = await fresh({ query: '?backend=cpu&lang=de' });
    assert.equal(await page.textContent('#samples-title'), ENGLISH['samples.title']);
    assert.equal(await page.textContent('.drop-zone .lead'), catalogue('de').messages['drop.lead']);
    server.restore('languages/de.json');
    await page.context().close();
  });

  for (const code of LANGUAGES.filter((code) => code !== 'en')) {
    test(`nothing is left in English or without words: ${code}`, async () => {
      const page = await fresh({ query: `?backend=cpu&lang=${code}` });
      const own = catalogue(code).messages;
      const foreign = new Set(
        Object.entries(ENGLISH)
          .filter(([key, text]) => own[key] !== text && !text.includes('{'))
          .map(([, text]) => text),
      );
      const said = () =>
        page.evaluate(() => {
          const texts = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const { parentElement, data } = walker.currentNode;
            if (!parentElement.closest('script, [lang="en"], option')) texts.push(data.trim());
          }
          for (const element of document.querySelectorAll('[aria-label], [title], [aria-valuetext]')) {
            for (const name of ['aria-label', 'title', 'aria-valuetext']) texts.push(element.getAttribute(name) ?? '');
          }
          return [document.title, ...texts].filter(Boolean);
        });
      const texts = await said();
      await drop(page, 'house.png', photograph(240, 180));
      await result(page, 'house.png');
      await page.click('.verdict .facts-button');
      texts.push(...(await said()));
      assert.ok(texts.length > 60, `only ${texts.length} texts`);
      assert.deepEqual(texts.filter((text) => foreign.has(text)), [], 'English');
      assert.deepEqual(texts.filter((text) => text in ENGLISH || /\{\w+\}/.test(text)), [], 'no words');
      await noProblems(page);
      await page.context().close();
    });

    for (const [width, colorScheme] of [[390, 'dark'], [320, 'light']]) {
      test(`fits ${width} pixels: ${code}`, async () => {
        const page = await fresh({
          query: `?backend=cpu&lang=${code}`,
          viewport: { width, height: 780 },
          colorScheme,
          ...PHONE,
        });
        assert.equal(await overflow(page), 0);
        await screenshot(page, `language-${code}-${width}-ready`, { fullPage: true });
        await drop(page, 'scan.png', png(256, 256));
        await result(page, 'scan.png');
        await page.click('.caution summary');
        assert.equal(await overflow(page), 0);
        await screenshot(page, `language-${code}-${width}`, { fullPage: true });
        await page.click('.verdict .facts-button');
        const sheet = await page.$eval('#facts', (facts) => facts.scrollWidth - facts.clientWidth);
        assert.equal(sheet, 0, 'the facts are too wide');
        await screenshot(page, `language-${code}-${width}-facts`);
        await page.context().close();
      });
    }

    test(`looks as it should on a wide screen: ${code}`, async () => {
      const page = await fresh({ query: `?backend=cpu&lang=${code}`, colorScheme: code === 'es' ? 'light' : 'dark' });
      await drop(page, 'scan.png', png(256, 256));
      await result(page, 'scan.png');
      // The picture is never mirrored, and its heat map lies on it.
      const [scan, overlay, ring] = await Promise.all(['#scan', '#overlay', '.peak'].map((part) => page.locator(part).boundingBox()));
      assert.deepEqual(scan, overlay);
      const left = await page.$eval('.peak', (peak) => Number.parseFloat(peak.style.left));
      assert.ok(Math.abs(scan.x + (scan.width * left) / 100 - (ring.x + ring.width / 2)) < 1.5, 'the ring is elsewhere');
      const { direction } = catalogue(code).language;
      const [panel, viewer] = await Promise.all(['.panel', '.viewer'].map((part) => page.locator(part).boundingBox()));
      assert.equal(panel.x < viewer.x, direction === 'rtl');
      await screenshot(page, `language-${code}`, { fullPage: true });
      await page.context().close();
    });
  }
});
