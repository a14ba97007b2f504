// Begins with what the page will need while its program is still on the way: the likeliest engine, and the model
// that the address or the index names. The page takes over what fits and ends the rest; it does not depend on it.
(() => {
  const parameters = new URLSearchParams(location.search);
  const version = document.querySelector('meta[name=scanlight-version]')?.content ?? '';
  const address = (file) => new URL(`${file}?version=${version}`, document.baseURI).href;

  /**
   * A `blob:` address of a script that starts the program `wasm` through its JavaScript `module`.
   *
   * A worker started from a file obeys the headers that file was served with, which a static host does not send.
   * One started from a `blob:` inherits the page's own content security policy, so the policy also binds the code
   * that sees the scan.
   *
   * What is sent to the worker before its program listens waits for it.
   */
  const loader = (module, wasm) => {
    const script =
      `const early = []; onmessage = (event) => early.push(event);` +
      // Both at once; what fails is said below.
      `try { const program = fetch(${JSON.stringify(wasm)}); program.catch(() => {});` +
      ` const { default: start } = await import(${JSON.stringify(module)});` +
      ` await start({ module_or_path: program });` +
      ` for (const event of early) onmessage(event); }` +
      ` catch (error) { postMessage([JSON.stringify({ loadFailed: { message: String(error) } })]); }`;
    return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  };

  /** Whether an adapter is a program on the CPU that pretends to be a GPU: slower than the CPU engine. */
  const isSoftware = (adapter) => {
    const info = adapter.info ?? {};
    const words = [info.vendor, info.architecture, info.device, info.description].join(' ');
    return Boolean(
      info.isFallbackAdapter ||
        adapter.isFallbackAdapter ||
        /swiftshader|llvmpipe|lavapipe|basic render|warp/i.test(words),
    );
  };

  /** The model's id, manifest and weights, once they are there; nothing if they do not fit together. */
  let bundle;
  /** The engine that was started ahead: its kind, worker, address, what it has said so far, and the model it was given. */
  let ahead;
  const start = (kind) => {
    const file = `scanlight-engine-${kind}`;
    const source = loader(address(`${file}.js`), address(`${file}_bg.wasm`));
    const heard = [];
    const worker = new Worker(source, { type: 'module' });
    worker.onmessage = ({ data }) => heard.push(data);
    worker.onerror = ({ message }) => heard.push(message ?? '');
    const started = { kind, worker, source, heard };
    ahead = started;
    // The engine prepares the network while the page's program is still compiled and drawn.
    bundle?.then((found) => {
      if (!found || ahead !== started) return;
      const buffers = [found.manifest, found.weights].map((buffer) => new Uint8Array(buffer));
      // As `wire::pack` in web/engine/src/wire.rs writes it.
      worker.postMessage([JSON.stringify({ load: { fault: null } }), ...buffers], [found.manifest, found.weights]);
      started.loaded = found.id;
    });
  };

  const files = new Map();
  const get = (file, options = {}) => {
    if (files.has(file)) return files.get(file);
    // Manifests are small, and say what else is fetched: the server is asked whether they are still the same.
    const answer = fetch(file, { ...options, ...(file.endsWith('.json') && { cache: 'no-cache' }) });
    // Whatever is wrong here is found and said by the page.
    answer.catch(() => {});
    files.set(file, answer);
    return answer;
  };
  const json = async (file) => (await get(file)).clone().json();
  /** A copy of an answer, taken before the page can take the answer itself. */
  const copyOf = (file) => get(file).then((answer) => answer.clone());
  const weightsOf = (id, { file, sha256 }) => `models/${id}/${file}?sha256=${sha256}`;
  const model = async () => {
    const asked = parameters.get('model');
    // The build has written the default model's id and weights into the page, so that nothing waits for the
    // manifests, which are fetched all the same and have the last word.
    const [id, file, sha256] = (document.querySelector('meta[name=scanlight-model]')?.content ?? '').split(' ');
    if (sha256 && (asked ?? id) === id) {
      get('models/index.json');
      const manifest = copyOf(`models/${id}/model.json`);
      return { id, sha256, manifest, weights: copyOf(weightsOf(id, { file, sha256 })) };
    }
    const { default: usual, models } = await json('models/index.json');
    const chosen = models.some((entry) => entry.id === asked) ? asked : usual;
    const manifest = copyOf(`models/${chosen}/model.json`);
    const { weights: named } = await (await manifest).clone().json();
    return { id: chosen, sha256: named.sha256, manifest, weights: copyOf(weightsOf(chosen, named)) };
  };
  const fetchBundle = async () => {
    const { id, sha256, ...answers } = await model();
    const buffers = [answers.manifest, answers.weights].map(async (answer) => {
      const found = await answer;
      if (!found.ok) throw new Error(found.url);
      return found.arrayBuffer();
    });
    const [manifest, weights] = await Promise.all(buffers);
    const named = JSON.parse(new TextDecoder().decode(manifest)).weights;
    return named.sha256 === sha256 ? { id, manifest, weights } : undefined;
  };
  /** After the rest, and given up in time: a page without samples works. */
  const samples = async () => {
    const options = { priority: 'low', signal: AbortSignal.timeout(15_000) };
    const index = 'samples/index.json';
    get(index, options);
    const found = await json(index);
    // A page that has taken the index meanwhile asks for the samples itself.
    if (files.has(index)) for (const sample of found) get(`samples/${sample.file}`, options);
  };
  // The page's tests send their own faults with the model.
  const fetched = fetchBundle().catch(() => undefined);
  bundle = parameters.has('debug') ? undefined : fetched;
  samples().catch(() => {});

  /** What is dropped before the page's program listens; without this the browser would leave the page for it. */
  let dropped;
  /** Bytes of small files among it: they are read while the page's program is compiled. */
  const read = new WeakMap();
  const listeners = {
    dragover: (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    },
    drop: (event) => {
      event.preventDefault();
      const { items, files } = event.dataTransfer;
      const entries = [...items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry?.());
      dropped = [entries.filter(Boolean), [...files]];
      if (files.length !== 1 || files[0].size > 1 << 20) return;
      const bytes = files[0].arrayBuffer();
      // What is wrong is said by who asks for it.
      bytes.catch(() => {});
      read.set(files[0], bytes);
    },
  };
  for (const [kind, listener] of Object.entries(listeners)) addEventListener(kind, listener);

  const request = () => navigator.gpu?.requestAdapter().catch(() => null) ?? Promise.resolve(null);
  let adapter;
  const backend = parameters.get('backend');
  if (backend === 'cpu') {
    start('cpu');
  } else {
    adapter = request();
    if (backend === 'webgpu') adapter.then((found) => start(found ? 'webgpu' : 'cpu'));
    else adapter.then((found) => start(found && !isSoftware(found) ? 'webgpu' : 'cpu'));
  }

  // The first number that a page writes takes the browser 10 to 20 ms: now it has nothing else to do.
  setTimeout(() => new Intl.NumberFormat().format(0));

  globalThis.scanlight = {
    loader,
    isSoftware,
    /** The adapter that was asked for at the start; later calls ask again. */
    adapter: () => {
      const found = adapter ?? request();
      adapter = undefined;
      return found;
    },
    /** The engine that was started ahead, once, if it is of this kind. One of another kind is ended. */
    engine: (kind) => {
      const found = ahead;
      ahead = undefined;
      if (!found || found.kind === kind) return found;
      found.worker.terminate();
      URL.revokeObjectURL(found.source);
      return undefined;
    },
    /** The entries and the files of what has been dropped so far. From now on the page's program listens. */
    dropped: () => {
      for (const [kind, listener] of Object.entries(listeners)) removeEventListener(kind, listener);
      return dropped;
    },
    /** All bytes of a file. */
    bytes: (file) => read.get(file) ?? file.arrayBuffer(),
    /** The module of the program `name`, which is begun from its bytes. A broken one is asked for `again`. */
    program: async (name, bytes, again) => {
      const module = await import(address(`${name}.js`) + (again ? `&again=${again}` : ''));
      await module.default({ module_or_path: bytes });
      return module;
    },
    /** The answer to a request made ahead, once. */
    file: (path) => {
      const answer = files.get(path);
      files.delete(path);
      return answer;
    },
  };
})();
