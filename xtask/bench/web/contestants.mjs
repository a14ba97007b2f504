// Who is measured: for each a page, its settings, the path it stands for, and the large files it fetches.

/** The folder that answers below a prefix, and pages that are made on the fly. */
export function contestants({ model, image, threads, plane: { width, height } }) {
  const settings = { image, width, height };
  const html = (title, script) =>
    `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title><script type="module">\n${script}</script></html>\n`;
  const ours = (name, engine, path) => ({
    name,
    title: `Scanlight, ${engine === 'cpu' ? 'CPU' : 'WebGPU'}`,
    ours: true,
    path,
    threads: 1,
    url: `/scanlight/?backend=${engine}&model=${model}`,
    heavy: [`/scanlight/scanlight-engine-${engine}_bg.wasm`],
    engine: {
      url: `/${name}-engine/`,
      html: html(
        name,
        `import { start } from '/bench/engine.mjs';\nstart(${JSON.stringify({
          ...settings,
          script: `/scanlight/scanlight-engine-${engine}.js`,
          model: `/scanlight/models/${model}/`,
        })});\n`,
      ),
    },
  });
  const ort = (name, title, path, [bundle, runtime], provider, count) => ({
    name,
    title,
    path,
    threads: count,
    url: `/${name}/`,
    heavy: [`/ort/${runtime}.wasm`],
    html: html(
      name,
      `import * as ort from '/ort/ort.${bundle}.bundle.min.mjs';\nimport { start } from '/bench/ort.mjs';\n` +
        `start(ort, ${JSON.stringify({ ...settings, model: '/model/model.onnx', provider, threads: count })});\n`,
    ),
  });
  const tfjs = (name, title, path, backend, count) => ({
    name,
    title,
    path,
    threads: count,
    url: `/${name}/`,
    heavy: ['/tfjs/weights.bin'],
    html: html(
      name,
      `import start from '/tfjs/tfjs-${backend}.js';\n` +
        `start(${JSON.stringify({ ...settings, model: '/tfjs/', runtime: '/tfjs-runtime/', threads: count })});\n`,
    ),
  });
  // The bundles of the package's documentation for each provider, and the programs that they fetch.
  const wasm = ['wasm', 'ort-wasm-simd-threaded'];
  const webgpu = ['webgpu', 'ort-wasm-simd-threaded.asyncify'];
  const jspi = ['jspi', 'ort-wasm-simd-threaded.jspi'];
  return [
    ours('scanlight-cpu', 'cpu', 'cpu'),
    ort('ort-wasm', 'onnxruntime-web, wasm, 1 thread', 'cpu', wasm, 'wasm', 1),
    tfjs('tfjs-wasm', 'TensorFlow.js, wasm, 1 thread', 'cpu', 'wasm', 1),
    ort('ort-wasm-threads', `onnxruntime-web, wasm, ${threads} threads`, 'threads', wasm, 'wasm', threads),
    tfjs('tfjs-wasm-threads', `TensorFlow.js, wasm, ${threads} threads`, 'threads', 'wasm', threads),
    ours('scanlight-webgpu', 'webgpu', 'webgpu'),
    ort('ort-webgpu', 'onnxruntime-web, WebGPU', 'webgpu', webgpu, 'webgpu', 1),
    ort('ort-webgpu-jspi', 'onnxruntime-web, WebGPU (JSPI)', 'webgpu', jspi, 'webgpu', 1),
    tfjs('tfjs-webgpu', 'TensorFlow.js, WebGPU', 'webgpu', 'webgpu', 1),
  ];
}
