// A page of another origin, to embed Scanlight in.

import http from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MODULE = join(import.meta.dirname, '../package/scanlight-viewer.js');

/** Serves a page with this body, and the element's module, under an origin of its own. It notes every message. */
export async function host(body) {
  const page = `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,">
    <script>
      window.heard = [];
      addEventListener('message', (event) => heard.push({ origin: event.origin, ...event.data }));
    </script>
    <body><main><h1>Host</h1>${body}</main></body></html>`;
  const server = http.createServer((request, response) => {
    const script = request.url.endsWith('.js');
    response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' });
    response.end(script ? readFileSync(MODULE) : page);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

/** Waits for a message of this type of the page in a frame. */
export async function heard(page, type) {
  const found = await page.waitForFunction((type) => heard.findLast((message) => message.type === type), type);
  return found.jsonValue();
}
