// Scanlight's service worker: it stores one whole version of the page and answers from that.
//
// The build writes the version and every file's SHA-256 into the two constants below, so that any change makes
// another worker. Each version has a store of its own, and a file that does not have the hash written here never
// gets into it: an old manifest cannot meet new weights, nor an old page a new engine.
//
// It fetches nothing by itself. The page says `go` when nothing is open, and `hold` as soon as a scan is; what is
// not stored by then waits for another visit.

const VERSION = '__VERSION__';
/** SHA-256 by path: `kept` is stored at once, `more` when the page first asks for it. */
const FILES = __FILES__;

const SCOPE = self.registration.scope;
const STORES = `scanlight ${SCOPE} `;
const STORE = STORES + VERSION;
const HASH = 'x-scanlight-sha256';
/** So long a new worker waits for the page's word. */
const PATIENCE = 60_000;

const hold = new AbortController();
let go;
const said = new Promise((resolve) => (go = resolve));

self.addEventListener('message', (event) => {
  if (event.data === 'go') go();
  if (event.data === 'hold') hold.abort();
  if (event.data === 'use') event.waitUntil(self.skipWaiting());
  if (event.data === 'use if alone') event.waitUntil(useIfAlone());
});

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(SCOPE)) return;
  const url = new URL(request.url);
  const name = decodeURIComponent(url.pathname.slice(new URL(SCOPE).pathname.length));
  const path = name === 'index.html' ? '' : name;
  const hash = FILES.kept[path] ?? FILES.more[path];
  if (hash === undefined) return;
  const asked = url.searchParams.get('version');
  event.respondWith(asked && asked !== VERSION ? Response.error() : answer(path, hash));
});

/** Stores what belongs to this version. A call that is cut off leaves what it has; the next one goes on. */
async function install() {
  const silence = setTimeout(() => hold.abort(), PATIENCE);
  const held = new Promise((_, reject) => {
    hold.signal.addEventListener('abort', () => reject(new Error('held')));
  });
  await Promise.race([said, held]);
  clearTimeout(silence);
  const store = await caches.open(STORE);
  for (const [path, hash] of Object.entries(FILES.kept)) {
    hold.signal.throwIfAborted();
    if (await store.match(address(path))) continue;
    await store.put(address(path), (await olderCopy(path, hash)) ?? (await download(path, hash, hold.signal)));
  }
}

/** The same file, if another version stored it. */
async function olderCopy(path, hash) {
  for (const name of await stores()) {
    const copy = name !== STORE && (await (await caches.open(name)).match(address(path)));
    if (copy && copy.headers.get(HASH) === hash) return copy;
  }
  return undefined;
}

/** Fetches a file and checks that it is this version's. */
async function download(path, hash, signal) {
  const response = await fetch(address(path), { cache: 'no-cache', credentials: 'same-origin', signal });
  if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== hash) throw new Error(`${path} is of another version`);
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  headers.set(HASH, hash);
  return new Response(bytes, { headers });
}

async function answer(path, hash) {
  const store = await caches.open(STORE);
  const stored = await store.match(address(path));
  if (stored) return stored;
  const fresh = await download(path, hash);
  await store.put(address(path), fresh.clone());
  return fresh;
}

async function useIfAlone() {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (pages.filter((page) => page.url.startsWith(SCOPE)).length <= 1) await self.skipWaiting();
}

async function forgetOthers() {
  for (const name of await stores()) if (name !== STORE) await caches.delete(name);
}

/** The stores of this folder's pages: other folders of the same host have their own. */
async function stores() {
  return (await caches.keys()).filter((name) => name.startsWith(STORES));
}

function address(path) {
  return new URL(path, SCOPE).href;
}
