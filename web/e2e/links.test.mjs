// Links carry what is shown, but nothing of a visitor's own file.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { alertText, drop, launch, noProblems, open, openReady, record, result } from './harness.mjs';
import { photograph } from './images.mjs';

describe('links', () => {
  let browser, server;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  const parameters = (page) => Object.fromEntries(new URL(page.url()).searchParams);

  test('a link opens what it names, and the address follows', async () => {
    const query = '?backend=cpu&sample=glioma-axial&method=layer-cam&class=pituitary';
    const page = await openReady(browser, server.url, { query });
    await page.waitForSelector('#file-name');
    await page.waitForFunction(() => location.search.includes('method=layer-cam') && location.search.includes('model='));
    assert.equal(await page.locator('.bar[data-class="pituitary"] input').isChecked(), true);
    const before = parameters(page);
    assert.equal(before.sample, 'glioma-axial');
    assert.equal(before.class, 'pituitary');

    await drop(page, 'my-name.png', photograph(64, 64));
    await result(page, 'my-name.png');
    await page.waitForFunction(() => !location.search.includes('sample='));
    assert.ok(!page.url().includes('my-name'));
    assert.equal(parameters(page).backend, 'cpu');
    await noProblems(page);
  });

  test('what a link asks for in vain is said', async () => {
    const page = await open(browser, server.url, { query: '?backend=cpu&sample=none-such' });
    await page.locator('#notice .banner').waitFor();
    assert.match(await page.locator('#notice').textContent(), /sample that is not here/);
    const other = await open(browser, server.url, { query: '?backend=cpu&method=guess' });
    assert.match(await other.locator('#notice .banner').textContent(), /unknown method/);
  });

  test('a file of the same site can be asked for', async () => {
    const page = await open(browser, server.url, { query: '?backend=cpu&src=samples/glioma-axial.png' });
    const shown = await result(page, 'glioma-axial.png');
    assert.equal(shown.requests, '0', 'it was fetched before it was opened');
    await page.waitForFunction(() => location.search.includes('model='));
    assert.equal(parameters(page).src, 'samples/glioma-axial.png');
    await drop(page, 'another.png', photograph(64, 64));
    await result(page, 'another.png');
    await page.waitForFunction(() => !location.search.includes('src='));
    await noProblems(page);
    const sent = server.requests.length;
    const elsewhere = await openReady(browser, server.url, { query: '?backend=cpu&src=https%3A%2F%2Fexample.org%2Fscan.png' });
    assert.match(await alertText(elsewhere), /example\.org\/scan\.png, which is on another site/);
    assert.ok(elsewhere.sent.every((address) => address.startsWith(server.url)), elsewhere.sent.join());
    const missing = await open(browser, server.url, { query: '?backend=cpu&src=none-such.png' });
    assert.match(await alertText(missing), /could not be fetched: .*none-such\.png.*404/);
    assert.ok(server.requests.length > sent);
  });

  test('the link is copied', async () => {
    const options = { query: '?backend=cpu&sample=glioma-axial', permissions: ['clipboard-read', 'clipboard-write'] };
    const page = await openReady(browser, server.url, options);
    await page.waitForFunction(() => location.search.includes('model='));
    await page.locator('#copy-link').click();
    await page.waitForFunction(() => document.querySelector('#link-copied').textContent !== '');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
  });
});
