// What the contestants are served: the graph for TensorFlow.js, its bundles, and the files of the rest.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { convert } from './convert.mjs';
import { read } from './onnx.mjs';
import { contestants } from './contestants.mjs';
import { serve } from './server.mjs';

/** Makes everything and starts the server. */
export async function prepare(config) {
  const { work, modules, dist, model, onnx, image, threads } = config;
  const graph = read(readFileSync(onnx));
  const folder = join(work, 'tfjs');
  mkdirSync(folder, { recursive: true });
  const { graph: turned, weights } = convert(graph);
  writeFileSync(join(folder, 'graph.json'), JSON.stringify(turned));
  writeFileSync(join(folder, 'weights.bin'), weights);
  await bundle(modules, folder);

  const scan = `/image/scan${extname(image)}`;
  const all = contestants({ model: model.id, image: scan, threads, plane: graph });
  const packages = join(modules, 'node_modules');
  const made = new Map([
    // The page is given the benchmarked model, whichever models it was built with.
    ['/scanlight/models/index.json', JSON.stringify({ default: model.id, models: [{ id: model.id, title: model.id }] })],
    ['/empty/index.html', '<!doctype html>\n<title>Empty</title>\n'],
  ]);
  for (const contestant of all) {
    if (contestant.html) made.set(`${contestant.url}index.html`, contestant.html);
    if (contestant.engine) made.set(`${contestant.engine.url}index.html`, contestant.engine.html);
  }
  const server = await serve({
    made,
    cache: join(work, 'brotli'),
    folders: [
      [`/scanlight/models/${model.id}/`, model.folder],
      ['/scanlight/', dist],
      ['/bench/', join(import.meta.dirname, 'pages')],
      ['/ort/', join(packages, 'onnxruntime-web', 'dist')],
      ['/tfjs/', folder],
      ['/tfjs-runtime/', join(packages, '@tensorflow', 'tfjs-backend-wasm', 'dist')],
      ['/model/model.onnx', onnx],
      [scan, image],
    ],
  });
  return { all, server, graph };
}

/** One script for each of TensorFlow.js's backends, with only what it uses, minified. */
async function bundle(modules, folder) {
  const { build } = createRequire(join(modules, 'x.js'))('esbuild');
  await build({
    entryPoints: ['tfjs-wasm.mjs', 'tfjs-webgpu.mjs'].map((name) => join(import.meta.dirname, 'pages', name)),
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    nodePaths: [join(modules, 'node_modules')],
    // Node's modules, which TensorFlow.js asks for only where it runs in Node.
    external: ['fs', 'path', 'util', 'crypto', 'worker_threads', 'perf_hooks', 'os'],
    logLevel: 'error',
  });
}
