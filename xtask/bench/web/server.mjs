// The benchmark's server: every text and program brotli-compressed as well as brotli can, cacheable, in pages
// that are isolated from other origins (which threads and memory measurements ask for). It counts what it sends.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

/** Brotli's highest quality. */
export const QUALITY = 11;

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};

/**
 * Serves `folders`, pairs of a prefix and a folder, the first that has the file; `made` maps paths to text that is
 * no file.
 */
export async function serve({ folders, made, cache }) {
  mkdirSync(cache, { recursive: true });
  const sent = [];
  const ready = new Map();

  const find = (path) => {
    if (made.has(path)) return Buffer.from(made.get(path));
    for (const [prefix, folder] of folders) {
      if (!path.startsWith(prefix)) continue;
      const file = normalize(join(folder, path.slice(prefix.length)));
      if (!file.startsWith(normalize(folder))) continue;
      try {
        return readFileSync(file);
      } catch {
        // Another folder may have it.
      }
    }
    return null;
  };

  const compressed = async (body) => {
    const file = join(cache, `${createHash('sha256').update(body).digest('hex')}.br${QUALITY}`);
    try {
      return readFileSync(file);
    } catch {
      const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
      const packed = await promisify(brotliCompress)(body, { params });
      writeFileSync(file, packed);
      return packed;
    }
  };

  const prepare = async (path) => {
    const body = find(path);
    if (!body) return null;
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const packed = type.startsWith('image/') && type !== TYPES['.svg'] ? body : await compressed(body);
    return { type, raw: body, packed: packed.length < body.length ? packed : null };
  };

  const server = http.createServer(async (request, response) => {
    let path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    if (path.endsWith('/')) path += 'index.html';
    if (!ready.has(path)) ready.set(path, prepare(path));
    const file = await ready.get(path).catch(() => null);
    const headers = {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
    };
    if (!file) {
      response.writeHead(404, headers);
      return response.end();
    }
    const brotli = file.packed && /\bbr\b/.test(request.headers['accept-encoding'] ?? '');
    const body = brotli ? file.packed : file.raw;
    sent.push({ path, type: file.type, bytes: body.length, raw: file.raw.length });
    response.writeHead(200, {
      ...headers,
      'content-type': file.type,
      'content-length': body.length,
      'cache-control': 'public, max-age=86400',
      vary: 'accept-encoding',
      ...(brotli ? { 'content-encoding': 'br' } : {}),
    });
    response.end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What was sent since the last call. */
    take: () => sent.splice(0),
    /** Compresses what a page is going to ask for. */
    warm: (path) => {
      if (!ready.has(path)) ready.set(path, prepare(path));
      return ready.get(path);
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
