// The custom element, in a page of another origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { host } from './host.mjs';
import { launch, open, record } from './harness.mjs';

describe('the element', () => {
  let browser, server, around;

  before(async () => {
    browser = await launch({ gpu: false });
    server = await record();
    const element = (id, sample) =>
      `<scanlight-viewer id="${id}" base="${server.url}" backend="cpu" controls="none" sample="${sample}"></scanlight-viewer>`;
    around = await host(`<script type="module">
        window.told = [];
        for (const element of document.querySelectorAll('scanlight-viewer')) {
          for (const type of ['ready', 'progress', 'result', 'error']) {
            element.addEventListener(type, ({ detail }) => told.push({ id: element.id, ...detail }));
          }
        }
        await import('/scanlight-viewer.js');
      </script>${element('one', 'glioma-axial')}${element('two', 'notumor-axial')}`);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await around?.close();
  });

  test('two of them answer for themselves and follow their attributes', async () => {
    const page = await open(browser, around.url, { viewport: { width: 900, height: 2400 } });
    const told = (id, sample) =>
      page.waitForFunction(
        ([id, sample]) => told.find((one) => one.id === id && one.type === 'result' && one.sample === sample),
        [id, sample],
      );
    await told('one', 'glioma-axial');
    await told('two', 'notumor-axial');
    await page.evaluate(() => {
      document.querySelector('#one').sample = 'pituitary-coronal';
    });
    await told('one', 'pituitary-coronal');
    assert.equal(await page.evaluate(() => document.querySelector('#one').getAttribute('sample')), 'pituitary-coronal');
    const others = await page.evaluate(() => told.filter((one) => one.id === 'two' && one.sample === 'pituitary-coronal'));
    assert.deepEqual(others, []);

    await page.evaluate(async () => {
      const bytes = await new Promise((done) => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 64;
        canvas.getContext('2d').fillRect(0, 0, 64, 64);
        canvas.toBlob(done);
      });
      document.querySelector('#two').open(bytes, 'mine.png');
    });
    await page.waitForFunction(() => told.some((one) => one.id === 'two' && one.sample === null || one.code));
    await page.evaluate(() => {
      document.querySelector('#two').src = 'http://127.0.0.1:1/none.png';
    });
    await page.waitForFunction(() => told.some((one) => one.id === 'two' && one.code === 'element.src'));
    assert.match(await page.evaluate(() => {
      try {
        document.querySelector('#one').open('text');
        return '';
      } catch (error) {
        return error.message;
      }
    }), /Blob or an ArrayBuffer/);
  });
});
