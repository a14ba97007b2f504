// Lessons: guess first, then what the model says, where it looked and what is true; the score; bad files; dropped ones.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { host } from './host.mjs';
import { alertText, canvas, drop, dropAll, launch, noProblems, open, openReady, PATIENCE, record, result, screenshot, stored, visit, withoutThresholds } from './harness.mjs';
import { phantom, png, tiff } from './images.mjs';
import { zip } from './volumes.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const QUERY = '?backend=cpu';
const READY = '#lesson-begin[aria-disabled="false"]';

const text = (page, selector) => page.locator(selector).textContent().then((text) => text.trim());
const focused = (page) => page.evaluate(() => document.activeElement.id);

/** A lesson file of three cases; `change` makes something of it. */
function lesson(change = (it) => it) {
  const it = {
    format: 'scanlight-lesson',
    version: 1,
    title: { en: 'My own', de: 'Meine eigene' },
    cases: [
      { image: 'images/one.png', class: 'glioma_tumor', box: { x: 20, y: 30, width: 40, height: 50 }, hint: 'Look up.', explanation: { en: 'Because.', ar: 'لأن.' } },
      { image: 'images/two.tif', class: 'No Tumour' },
      // Larger than what is shown of it: the box counts in the file's pixels.
      { image: 'images/three.png', box: { x: 700, y: 300, width: 350, height: 750 } },
    ],
  };
  return Buffer.from(JSON.stringify(change(it) ?? it));
}

const IMAGES = [
  { name: 'one.png', bytes: png(120, 150) },
  { name: 'two.tif', bytes: tiff(130, 150) },
  { name: 'three.png', bytes: png(1400, 1500) },
];

const files = (change) => [{ name: 'week 1.json', bytes: lesson(change) }, ...IMAGES];

async function check(page, state) {
  await page.waitForTimeout(600);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.failureSummary + node.html.slice(0, 90)).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${state}: the page is ${wide} px too wide`);
}

async function begun(browser, server, options = {}) {
  const page = await open(browser, server.url, { query: `${QUERY}&lesson=synthetic`, ...options });
  await page.click(READY);
  await page.waitForSelector('.guess');
  return page;
}

describe('a lesson', () => {
  let browser, server, cases;
  const hosts = [];

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    // So that a drawn head gets an answer, whichever model is published.
    await withoutThresholds(server);
    ({ cases } = await (await fetch(`${server.url}lessons/synthetic/lesson.json`)).json());
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    for (const one of hosts) await one.close();
  });

  /** Guesses, by a click, rightly or not. */
  async function guess(page, number, rightly) {
    const truth = cases[number - 1].class;
    const wanted = rightly ? `[data-class="${truth}"]` : `:not([data-class="${truth}"])`;
    await page.locator(`.guess${wanted}`).first().click();
    await page.waitForSelector('#lesson-outcome');
  }

  test('the scan alone, a guess, then everything; right and wrong are told apart and counted; nothing is fetched', async () => {
    const page = await open(browser, server.url, { query: `${QUERY}&lesson=synthetic` });
    await page.waitForSelector(READY);
    assert.match(await text(page, '#lesson-notice'), /not of patients.*nothing about diagnosis/);
    assert.match(await text(page, '.lesson-about'), /None of them is a patient.*nothing about diagnosis/);
    await page.click(READY);
    await page.waitForSelector('.guess');
    assert.match(await text(page, '#lesson-notice'), /^Drawn, not a patient · This is not a diagnosis/);
    const asked = server.requests.length;
    const model = [];
    for (let number = 1; number <= cases.length; number += 1) {
      const rightly = number % 3 !== 0;
      assert.equal(await text(page, '#lesson-title'), `Case ${number} of ${cases.length}`);
      const scan = await canvas(page, '#lesson-scan');
      assert.ok(scan.width === 256 && scan.colours > 20, 'the scan is not shown');
      for (const part of ['#lesson-heat', '#lesson-box', '#lesson-bars', '#lesson-explanation', '#lesson-box-text']) {
        assert.equal(await page.locator(part).count(), 0, `${part} is shown before the guess`);
      }
      assert.equal(await page.locator('.lesson-case').getAttribute('data-revealed'), 'false');
      await guess(page, number, rightly);
      assert.equal(await page.locator('#lesson-outcome').getAttribute('data-kind'), rightly ? 'right' : 'wrong');
      const heat = await canvas(page, '#lesson-heat');
      assert.ok(heat.visible > 100 && heat.colours > 20, `the heat map shows nothing: ${JSON.stringify(heat)}`);
      const found = await page.evaluate(() =>
        ['x', 'y', 'width', 'height'].map((name) => Number(document.querySelector('#lesson-box .line')?.getAttribute(name))),
      );
      const place = cases[number - 1].box;
      if (place) {
        const expected = [place.x, place.y, place.width, place.height].map((pixels) => (pixels / 256) * 100);
        found.forEach((share, at) => assert.ok(Math.abs(share - expected[at]) < 0.01, `${found} is not ${expected}`));
        assert.match(await text(page, '#lesson-box-text'), /true box is .* of the picture: \d+% to \d+% from the left/);
      } else {
        assert.equal(await page.locator('#lesson-box').count(), 0);
        assert.equal(await text(page, '#lesson-box-text'), 'Nothing is marked in this case.');
      }
      assert.match(await text(page, '#lesson-heat-text'), /^(Evidence for|Nothing in the picture)/);
      assert.equal(await page.locator('#lesson-bars .bar').count(), 4);
      assert.equal(await page.locator('#lesson-bars .tag.true').count(), 1);
      const bar = page.locator(`#lesson-bars .bar[data-class="${cases[number - 1].class}"]`);
      assert.match(await bar.textContent(), rightly ? /true your guess/ : /true(?!.*your guess)/);
      const predicted = await page.locator('#lesson-bars .predicted').getAttribute('data-class');
      const models = await text(page, '#lesson-models');
      const isRight = predicted === cases[number - 1].class;
      assert.match(models, isRight ? /\(right\)\.$/ : /\(wrong\)\.$/);
      model.push(isRight);
      assert.match(await text(page, '#lesson-explanation'), /drawings|drawn into/);
      await page.click('#lesson-next');
    }
    await page.waitForSelector('#lesson-table');
    const right = cases.filter((_, at) => (at + 1) % 3 !== 0).length;
    assert.equal(await text(page, '#score-you'), `You: ${right} of ${cases.length} right`);
    assert.equal(await text(page, '#score-model'), `The model: ${model.filter(Boolean).length} of ${cases.length} right`);
    const rows = page.locator('#lesson-table tbody tr');
    assert.equal(await rows.count(), cases.length);
    const marks = await rows.evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('[data-mark]')].map((cell) => cell.dataset.mark === 'lesson.mark_right')));
    assert.deepEqual(marks, cases.map((_, at) => [(at + 1) % 3 !== 0, model[at]]));
    const boxes = cases.filter((one) => one.box).length;
    assert.match(await text(page, '#score-map'), new RegExp(`in \\d+ of ${boxes}\\.$`));

    // A look back changes nothing.
    await rows.nth(2).click();
    assert.equal(await text(page, '#lesson-title'), `Case 3 of ${cases.length}`);
    assert.equal(await page.locator('#lesson-outcome').getAttribute('data-kind'), 'wrong');
    await page.click('#lesson-next');
    assert.equal(await text(page, '#score-you'), `You: ${right} of ${cases.length} right`);

    await page.click('#lesson-restart');
    assert.equal(await text(page, '#lesson-title'), `Case 1 of ${cases.length}`);
    assert.equal(await page.locator('#lesson-outcome').count(), 0);
    assert.match(await text(page, '#lesson-so-far'), /you 0, the model 0/);
    assert.equal(server.requests.length, asked, `fetched later: ${server.requests.slice(asked)}`);
    assert.equal(await text(page, '#requests'), '0');
    await noProblems(page);
    await page.context().close();
  });

  test('everything is fetched once, and before the first case', async () => {
    const begin = server.requests.length;
    const page = await begun(browser, server);
    const asked = server.requests.slice(begin).filter((path) => path.startsWith('lessons/'));
    const expected = ['lessons/index.json', 'lessons/synthetic/lesson.json', ...cases.map(({ image }) => `lessons/synthetic/${image}`)];
    assert.deepEqual(asked.sort(), expected.sort());
    await page.context().close();
  });

  test('by keyboard alone, and all of it is announced', async () => {
    const page = await open(browser, server.url, { query: `${QUERY}&lesson=synthetic`, reducedMotion: 'reduce' });
    await page.waitForSelector(READY);
    await page.waitForFunction(() => document.activeElement.id === 'bench-title');
    for (let press = 0; press < 3 && (await focused(page)) !== 'lesson-begin'; press += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'lesson-begin');
    await page.evaluate(() => {
      const status = document.querySelector('#lesson-status');
      globalThis.announced = [];
      new MutationObserver(() => announced.push(status.textContent.trim())).observe(status, { childList: true, characterData: true, subtree: true });
    });
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'lesson-title');
    // A key too many, and none of them with a modifier, is a guess.
    for (const key of ['5', '0', 'a', 'Alt+2', 'Enter']) await page.keyboard.press(key);
    assert.equal(await page.locator('#lesson-outcome').count(), 0);
    // By Tab: the classes in their order, then the hint.
    const reached = [];
    for (let press = 0; press < 6; press += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return {
          name: document.activeElement.dataset.class ?? document.activeElement.localName,
          seen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
        };
      });
      assert.ok(at.seen, `the focus on ${at.name} is not seen`);
      reached.push(at.name);
    }
    assert.deepEqual(reached.slice(0, 5), ['glioma', 'meningioma', 'notumor', 'pituitary', 'summary']);
    await page.keyboard.press('3');
    await page.waitForFunction(() => document.activeElement.id === 'lesson-outcome');
    const outcome = await text(page, '#lesson-outcome');
    await page.keyboard.press('1');
    assert.equal(await text(page, '#lesson-outcome'), outcome, 'a case was guessed twice');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'lesson-next');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#lesson-title').textContent.startsWith('Case 2'));
    for (let number = 2; number <= cases.length; number += 1) {
      await page.waitForFunction(() => document.activeElement.id === 'lesson-title');
      await page.keyboard.press(String(1 + (number % 4)));
      await page.waitForFunction(() => document.activeElement.id === 'lesson-outcome');
      await page.keyboard.press('Enter');
    }
    await page.waitForSelector('#lesson-table');
    await page.waitForFunction(() => document.activeElement.id === 'lesson-title');
    const announced = await page.evaluate(() => announced.filter(Boolean));
    assert.match(announced[0], /^Case 1 of 10\. What does the scan show/);
    assert.match(announced[1], /^(Right|Not right).*The model says: .* \((right|wrong|unsure)\)\.$/);
    assert.match(announced.at(-1), /^The lesson is over\. You: \d+ of 10 right\. The model: \d+ of 10 right\.$/);
    assert.equal(announced.length, 2 * cases.length + 1, JSON.stringify(announced));
    // Out of it: back to where one comes in.
    for (let press = 0; press < 20 && (await focused(page)) !== 'lesson-leave'; press += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'open-lesson');
    assert.ok(await page.locator('#drop-zone').isVisible());
    await noProblems(page);
    await page.context().close();
  });

  test('digits count only in the lesson', async () => {
    const page = await begun(browser, server);
    await page.focus('#language');
    await page.keyboard.press('2');
    assert.equal(await page.locator('#lesson-outcome').count(), 0);
    await page.click('#lesson-scan');
    await page.keyboard.press('2');
    await page.waitForSelector('#lesson-outcome');
    await page.context().close();
  });

  test('the heat map and the box can be taken away, and the choice holds', async () => {
    const page = await begun(browser, server);
    await guess(page, 1, true);
    await page.uncheck('#lesson-heat-shown');
    assert.equal(await page.locator('#lesson-heat').count(), 0);
    assert.ok(await page.locator('#lesson-box').isVisible());
    await page.uncheck('#lesson-box-shown');
    assert.equal(await page.locator('#lesson-box').count(), 0);
    await page.check('#lesson-heat-shown');
    assert.ok((await canvas(page, '#lesson-heat')).visible > 100);
    await page.click('#lesson-next');
    await guess(page, 2, true);
    assert.equal(await page.locator('#lesson-box').count(), 0);
    assert.equal(await page.locator('#lesson-heat').count(), 1);
    await page.context().close();
  });

  test('a button opens it, the address follows, and an open scan is there again afterwards', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'mine.png', png(100, 120));
    await result(page, 'mine.png');
    await page.click('#open-lesson');
    await page.waitForSelector(READY);
    assert.equal(await page.locator('.desk').isVisible(), false);
    assert.equal(new URL(page.url()).searchParams.get('lesson'), 'synthetic');
    await page.click('#bench-close');
    assert.equal(await text(page, '#file-name'), 'mine.png');
    assert.ok(await page.locator('#scan').isVisible());
    assert.equal(new URL(page.url()).searchParams.get('lesson'), null);
    // A scan that comes while a lesson is shown takes its place.
    await page.click('#open-lesson');
    await page.waitForSelector(READY);
    await drop(page, 'other.png', png(90, 120));
    await result(page, 'other.png');
    assert.ok(await page.locator('#scan').isVisible());
    assert.equal(new URL(page.url()).searchParams.get('lesson'), null);
    await noProblems(page);
    await page.context().close();
  });

  test('several lessons are offered; an unknown one is named', async () => {
    const entry = (id) => ({ id, title: { en: `Lesson ${id}` } });
    server.answer('lessons/index.json', () => ({ body: Buffer.from(JSON.stringify({ lessons: [entry('other'), entry('synthetic')] })) }));
    try {
      const page = await openReady(browser, server.url, { query: QUERY });
      await page.click('#open-lesson');
      await page.waitForSelector('.lesson-choice');
      assert.deepEqual(await page.locator('.lesson-choice button').allTextContents(), ['Lesson other', 'Lesson synthetic']);
      await page.click('[data-lesson="synthetic"]');
      await page.waitForSelector(READY);
      await page.context().close();
      const wrong = await open(browser, server.url, { query: `${QUERY}&lesson=none-such` });
      await wrong.waitForSelector('.lesson-bad');
      assert.equal(await text(wrong, '.lesson-bad'), 'There is no lesson "none-such" here. There is: other, synthetic.');
      await wrong.context().close();
    } finally {
      server.restore('lessons/index.json');
    }
  });

  test('what is missing on the server is named, and can be tried again', async () => {
    server.answer(`lessons/synthetic/${cases[3].image}`, () => ({ status: 404, body: Buffer.from('gone') }));
    const page = await open(browser, server.url, { query: `${QUERY}&lesson=synthetic` });
    await page.waitForSelector('.lesson-bad');
    const said = await page.locator('.lesson-bad li').allTextContents();
    assert.equal(said.length, 1, said.join());
    assert.match(said[0], /^lessons\/synthetic\/lesson\.json, case 4: the image could not be had \(.*404\)\. Put it beside the lesson/);
    server.restore(`lessons/synthetic/${cases[3].image}`);
    await page.click('#lesson-again');
    await page.waitForSelector(READY);
    await page.context().close();
  });

  const BAD = [
    ['no JSON', () => undefined, /^week 1\.json: it is no JSON \(.*line 1 column.*\)\. Mend it there/, (bytes) => Buffer.concat([bytes.subarray(0, 60), Buffer.from('"format": "scanlight-lesson"')])],
    ['another version', (it) => ({ ...it, version: 7 }), /^week 1\.json: it is of version 7, and this page reads version 1\./],
    ['no cases', (it) => ({ ...it, cases: [] }), /^week 1\.json: there are no cases\. List at least one/],
    ['a misspelt field', (it) => void (it.cases[1].clas = 'glioma'), /^week 1\.json, case 2: unknown field `clas`.*Mend that field/],
    ['a missing image', (it) => void (it.cases[2].image = 'images/four.png'), /^week 1\.json, case 3: the image images\/four\.png is not there\. Drop it together/],
    ['an image elsewhere', (it) => void (it.cases[2].image = 'https://example.org/a.png'), /^week 1\.json, case 3: "https:\/\/example\.org\/a\.png" is no path below/],
    ['an unknown class', (it) => void (it.cases[0].class = 'metastasis'), /^week 1\.json, case 1: the model knows no class "metastasis"\. Write one of glioma, meningioma, notumor, pituitary/],
    ['a box outside', (it) => void (it.cases[0].box.x = 100), /^week 1\.json, case 1: the box \(100, 30, 40, 50\) does not lie in the image of 120 × 150 pixels\. Give x, y/],
    ['an image that is none', (it) => void (it.cases[1].image = 'notes.txt'), /^week 1\.json, case 2: the image notes\.txt cannot be shown \(.+\)\. Put a PNG/],
  ];

  test('what is wrong with a lesson is said in one line with its file and case', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    for (const [what, change, says, spoil = (bytes) => bytes] of BAD) {
      const [first, ...others] = files(change);
      await dropAll(page, [{ ...first, bytes: spoil(first.bytes) }, ...others, { name: 'notes.txt', bytes: Buffer.from('Dear diary') }]);
      await page.waitForSelector('.lesson-bad', { timeout: PATIENCE });
      const said = await page.locator('.lesson-bad li').allTextContents();
      assert.equal(said.length, 1, `${what}: ${said.join(' | ')}`);
      assert.match(said[0], says, what);
      assert.equal(await page.locator('#lesson-again').count(), 0);
      await page.click('#lesson-leave');
      await page.waitForSelector('.lesson-bad', { state: 'detached' });
    }
    await page.context().close();
  });

  test('a dropped lesson: several files, a folder’s paths, an archive', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await dropAll(page, files());
    await page.waitForSelector(READY);
    assert.equal(await text(page, '#lesson-title'), 'My own');
    assert.equal(new URL(page.url()).searchParams.get('lesson'), null);
    assert.equal(await text(page, '#requests'), '0');
    const asked = server.requests.length;
    await page.click(READY);
    assert.match(await text(page, '#lesson-notice'), /^This is not a diagnosis/);
    await page.click('#lesson-hint summary');
    assert.equal(await text(page, '#lesson-hint p'), 'Look up.');
    await page.click('.guess[data-class="glioma"]');
    assert.equal(await page.locator('#lesson-outcome').getAttribute('data-kind'), 'right');
    assert.equal(await text(page, '#lesson-explanation'), 'Because.');
    const line = await page.locator('#lesson-box .line').evaluate((line) => ['x', 'width'].map((name) => Number(line.getAttribute(name))));
    assert.ok(Math.abs(line[0] - 100 / 6) < 0.01 && Math.abs(line[1] - 100 / 3) < 0.01, String(line));
    await page.click('#lesson-next');
    await page.click('.guess[data-class="glioma"]');
    assert.equal(await text(page, '#lesson-outcome'), 'Not right. The answer: No tumour');
    await page.click('#lesson-next');
    await page.click('.guess[data-class="notumor"]');
    assert.equal(await text(page, '#lesson-outcome'), 'The true answer is not known');
    const large = await page.locator('#lesson-box .line').evaluate((line) => ['x', 'y', 'width', 'height'].map((name) => Number(line.getAttribute(name))));
    [50, 20, 25, 50].forEach((share, at) => assert.ok(Math.abs(share - large[at]) < 0.01, String(large)));
    const shown = await canvas(page, '#lesson-scan');
    assert.ok(Math.abs(shown.width / shown.height - 14 / 15) < 0.01, JSON.stringify(shown));
    assert.doesNotMatch(await text(page, '#lesson-models'), /\(/);
    await page.click('#lesson-next');
    assert.equal(await text(page, '#score-you'), 'You: 1 of 2 right');
    assert.match(await text(page, '.lesson-score'), /true answer is not known: 1 case\./);
    assert.equal(server.requests.length, asked, `fetched later: ${server.requests.slice(asked)}`);
    // The page's language is the lesson's, where it has it.
    await page.selectOption('#language', 'ar');
    await page.waitForFunction(() => document.dir === 'rtl');
    await page.locator('#lesson-table tbody tr').first().click();
    assert.equal(await text(page, '#lesson-explanation'), 'لأن.');
    assert.equal(await page.locator('#lesson-explanation span').getAttribute('lang'), 'ar');
    await page.selectOption('#language', 'en');

    const packed = zip([
      { name: '__MACOSX/week/._lesson.json', bytes: Buffer.from('x') },
      { name: 'week/lesson.json', bytes: lesson() },
      ...IMAGES.map(({ name, bytes }) => ({ name: `week/images/${name}`, bytes })),
    ]);
    await drop(page, 'week.zip', packed);
    await page.waitForSelector(READY);
    assert.equal(await text(page, '#lesson-title'), 'My own');
    await noProblems(page);
    await page.context().close();
  });

  test('a lesson alone says which images it needs', async () => {
    const page = await openReady(browser, server.url, { query: QUERY });
    await drop(page, 'alone.json', lesson());
    await page.waitForSelector('.lesson-bad');
    assert.equal(await page.locator('.lesson-bad li').count(), 3);
    // Other JSON files are what they always were.
    await drop(page, 'data.json', Buffer.from('{"a": 1}'));
    assert.match(await alertText(page), /data\.json/);
    await page.context().close();
  });

  test('a model that refuses gives no numbers before somebody asks, and no point', async () => {
    const index = await (await fetch(`${server.url}models/index.json`)).json();
    const path = `models/${index.default}/model.json`;
    server.answer(path, (body) => {
      const manifest = JSON.parse(body);
      manifest.format_version = Math.max(2, manifest.format_version ?? 2);
      manifest.trust = { ood: { method: 'energy', threshold: -1e6, colour_limit: 0.06, acceptance: 0.95, rejected: {}, fitted_on: 'a test' } };
      return { body: Buffer.from(JSON.stringify(manifest)) };
    });
    try {
      const page = await begun(browser, server);
      await guess(page, 1, true);
      assert.equal(await page.locator('.lesson-model').getAttribute('data-kind'), 'strange');
      assert.match(await text(page, '#lesson-models'), /\(no answer\)\.$/);
      assert.equal((await page.locator('#lesson-bars .number').allTextContents()).join(''), '');
      await page.click('#lesson-anyway');
      assert.match(await page.locator('#lesson-bars .number').first().textContent(), /%/);
      assert.match(await text(page, '#lesson-so-far'), /you 1, the model 0/);
      await page.context().close();
    } finally {
      await withoutThresholds(server);
    }
  });

  test('it works without a network once the page is stored', async () => {
    // Nothing changed on the way: what is stored is checked against its hash.
    const plain = await record({ prefix: '/offline/' });
    const page = await openReady(browser, plain.url, { query: QUERY, serviceWorkers: 'allow' });
    await stored(page);
    await plain.close();
    const again = await visit(page.context(), `${plain.url}${QUERY}&lesson=synthetic`);
    await again.click(READY);
    await again.locator('.guess').first().click();
    await again.waitForSelector('#lesson-heat');
    await page.context().close();
  });

  test('in a frame of another page, and as an element', async () => {
    const frame = `<iframe id="frame" title="Scanlight" width="900" height="900" src="${server.url}?embed&amp;backend=cpu&amp;lesson=synthetic"></iframe>`;
    const around = await host(frame);
    hosts.push(around);
    const page = await open(browser, around.url, { viewport: { width: 1000, height: 1000 } });
    const inside = page.frameLocator('#frame');
    await inside.locator(READY).click();
    await inside.locator('.guess').first().click();
    assert.ok(await inside.locator('#lesson-heat').isVisible());
    assert.equal(await inside.locator('.foot').isVisible(), false);
    await screenshot(page, 'lesson-embedded');
    await inside.locator('#lesson-leave').click();
    await inside.locator('#drop-zone').waitFor();
    await page.context().close();

    const second = await host(`<script type="module" src="/scanlight-viewer.js"></script>
      <scanlight-viewer base="${server.url}" backend="cpu" lesson="synthetic"></scanlight-viewer>`);
    hosts.push(second);
    const element = await open(browser, second.url, { viewport: { width: 1000, height: 1000 } });
    await element.frameLocator('scanlight-viewer >> iframe').locator(READY).click();
    await element.context().close();
  });

  const LOOKS = [
    { name: 'dark', colorScheme: 'dark' },
    { name: 'light', colorScheme: 'light' },
    { name: 'dark-390', colorScheme: 'dark', viewport: { width: 390, height: 780 }, hasTouch: true },
    { name: 'light-320', colorScheme: 'light', viewport: { width: 320, height: 640 }, hasTouch: true },
    { name: 'arabic', colorScheme: 'dark', locale: 'ar' },
    { name: 'german-320', colorScheme: 'dark', locale: 'de', viewport: { width: 320, height: 640 } },
  ];

  for (const { name, ...look } of LOOKS) {
    test(`every state of it is accessible and fits: ${name}`, async () => {
      const page = await open(browser, server.url, { query: `${QUERY}&lesson=synthetic`, ...look });
      await page.waitForSelector(READY);
      await check(page, 'intro');
      await screenshot(page, `lesson-${name}-intro`, { fullPage: true });
      await page.click(READY);
      await page.waitForSelector('.guess');
      await page.click('#lesson-hint summary');
      await check(page, 'question');
      await screenshot(page, `lesson-${name}-question`, { fullPage: true });
      await guess(page, 1, true);
      await check(page, 'right');
      await screenshot(page, `lesson-${name}-right`, { fullPage: true });
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('.bench button, .bench summary, .bench label')]
          .map((element) => [element.id || element.className, element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.height < 24 || box.width < 24))
          .map(([name, box]) => `${name} ${box.width} x ${box.height}`),
      );
      assert.deepEqual(small, []);
      // The picture's sides stay where they are, whichever way the words run.
      const [box, frame] = await Promise.all(['#lesson-box .line', '.lesson-stage .frame'].map((one) => page.locator(one).boundingBox()));
      assert.ok(box.x + box.width / 2 < frame.x + frame.width / 2, 'the box is on the other side');
      await page.click('#lesson-next');
      await guess(page, 2, false);
      await check(page, 'wrong');
      for (let number = 3; number <= cases.length; number += 1) {
        await page.click('#lesson-next');
        await guess(page, number, true);
      }
      await page.click('#lesson-next');
      await page.waitForSelector('#lesson-table');
      await check(page, 'score');
      await screenshot(page, `lesson-${name}-score`, { fullPage: true });
      await page.click('#lesson-leave');
      await dropAll(page, files((it) => void (it.cases[0].class = 'metastasis')));
      await page.waitForSelector('.lesson-bad');
      await check(page, 'a bad lesson');
      await screenshot(page, `lesson-${name}-bad`, { fullPage: true });
      await noProblems(page);
      await page.context().close();
    });
  }
});
