// Scanlight's engine by itself: its worker, started and spoken to as the page does (`web/engine/src/protocol.rs`).

import { times } from './measure.mjs';

/** The first protocol with a request for a bare input plane. */
const WITH_PLANES = 3;

/** The first protocol whose messages have their type's name outside: `{ classify: { id: 1 } }`. */
const NAMED = 6;

/** A message of any protocol as an object with a `type`. */
function named(message) {
  if (typeof message === 'string') return { type: message };
  if (message.type) return message;
  const [[type, fields]] = Object.entries(message);
  return { type, ...fields };
}

/** A message with a `type` as this protocol writes it. */
function written({ type, ...fields }, protocol) {
  return protocol >= NAMED ? { [type]: fields } : { type, ...fields };
}

/** Side of a volume's slices. */
const SLICE = 256;

/** The image's red channel on a square of `SLICE` pixels. */
async function greyPixels(address) {
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const context = new OffscreenCanvas(SLICE, SLICE).getContext('2d');
  context.drawImage(bitmap, 0, 0, SLICE, SLICE);
  return context.getImageData(0, 0, SLICE, SLICE).data.filter((_, index) => index % 4 === 0);
}

/** A decoded scan as engines take it from readers (`Scan::pack` in `shared/formats/src/scan/packed.rs`). */
function packedScan(grey, side, factor) {
  const magic = new TextEncoder().encode('scanlight scan 1');
  const bytes = new Uint8Array(magic.length + 28 + grey.length * 4);
  bytes.set(magic);
  const view = new DataView(bytes.buffer, magic.length);
  view.setUint32(0, side, true);
  view.setUint32(4, side, true);
  [0, 255 * factor, NaN, NaN, NaN].forEach((value, index) => view.setFloat32(8 + index * 4, value, true));
  grey.forEach((value, index) => view.setFloat32(28 + index * 4, value * factor, true));
  return bytes;
}

function open(script) {
  const source = `const { default: start } = await import(${JSON.stringify(new URL(script, location.href).href)}); await start();`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
  const waiting = [];
  const received = [];
  const deliver = (message) => {
    const next = waiting.shift();
    if (next) next.done(message);
    else received.push(message);
  };
  worker.onmessage = ({ data: [text, ...buffers] }) => deliver({ ...named(JSON.parse(text)), buffers });
  worker.onerror = (event) => deliver({ type: 'broken', message: event.message || 'the worker could not be loaded' });
  const next = () => (received.length ? Promise.resolve(received.shift()) : new Promise((done) => waiting.push({ done })));
  const bad = new Set(['loadFailed', 'failed', 'rejected', 'panicked', 'broken']);
  return {
    send(message, ...buffers) {
      worker.postMessage([JSON.stringify(message), ...buffers], buffers.map((buffer) => buffer.buffer));
    },
    /** The next message of this type; progress in between is passed over. */
    async expect(type) {
      for (;;) {
        const message = await next();
        if (bad.has(message.type)) throw new Error(message.message);
        if (message.type === type) return message;
      }
    },
  };
}

/** Starts an engine. `sides` changes the manifest's input plane: for times, not for answers. */
export function start({ script, model, image }) {
  const bytes = async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer());
  const load = async (side) => {
    const worker = open(script);
    const [manifest, scan, { protocol }] = await Promise.all([
      bytes(`${model}model.json`),
      bytes(image),
      worker.expect('hello'),
    ]);
    const parsed = JSON.parse(new TextDecoder().decode(manifest));
    if (side) parsed.input = { ...parsed.input, width: side, height: side };
    const weights = await bytes(`${model}${parsed.weights.file}`);
    worker.send(written({ type: 'load', fault: null }, protocol), new TextEncoder().encode(JSON.stringify(parsed)), weights);
    const ready = await worker.expect('ready');
    let id = 0;
    const ask = async (message, answer, buffer) => {
      id += 1;
      worker.send(written({ ...message, id }, protocol), buffer);
      return worker.expect(answer);
    };
    return {
      detail: ready.detail,
      protocol,
      classify: () => ask({ type: 'classify' }, 'classified', scan.slice()),
      classifyScan: (packed) => ask({ type: 'classify' }, 'classified', packed),
      compute: (values, maps) =>
        ask({ type: 'compute', maps }, 'computed', new Uint8Array(Float32Array.from(values).buffer)),
    };
  };
  const engines = new Map();
  const engine = (side = 0) => {
    if (!engines.has(side)) engines.set(side, load(side));
    return engines.get(side);
  };
  window.bench = {
    detail: async () => {
      const { detail, protocol } = await engine();
      return { detail, protocol, planes: protocol >= WITH_PLANES };
    },
    /** Probabilities for the plane, or for the file where the engine takes no planes. */
    check: async (values) => {
      const { protocol, compute, classify } = await engine();
      if (protocol >= WITH_PLANES) return (await compute(values, false)).probabilities;
      return (await classify()).report.probabilities;
    },
    classify: async (values, count) => {
      const { protocol, compute, classify } = await engine();
      const found = {};
      const inside = { classify: [], withMaps: [], whole: [], decode: [] };
      if (protocol >= WITH_PLANES) {
        found.classify = await times(count, async () => inside.classify.push((await compute(values, false)).compute_ms));
        found.withMaps = await times(count, async () => inside.withMaps.push((await compute(values, true)).compute_ms));
      }
      found.whole = await times(count, async () => {
        const { report } = await classify();
        inside.whole.push(report.decodeMs + report.classifyMs);
        inside.decode.push(report.decodeMs);
      });
      // Those of the calls that are timed outside.
      const timed = { ...found, decode: found.whole };
      for (const [name, values] of Object.entries(inside)) inside[name] = values.slice(-(timed[name]?.length ?? 0));
      return { ...found, inside };
    },
    /** Milliseconds for `count` files, one after another. */
    batch: async (count) => {
      const { classify } = await engine();
      const start = performance.now();
      for (let index = 0; index < count; index += 1) await classify();
      return performance.now() - start;
    },
    /** Milliseconds for slices `from` to `to` of a volume of 256 x 256 pixels, handed over decoded. */
    volume: async (from, to) => {
      const { classifyScan } = await engine();
      const grey = await greyPixels(image);
      let ms = 0;
      for (let index = from; index < to; index += 1) {
        // Each slice is a little brighter than the last: other pixels, equal work.
        const slice = packedScan(grey, SLICE, 1 + index / 512);
        const start = performance.now();
        await classifyScan(slice);
        ms += performance.now() - start;
      }
      return ms;
    },
    /** Times with another side of the input plane. */
    side: async (side, count) => {
      const { classify } = await engine(side);
      return times(count, classify);
    },
  };
}
