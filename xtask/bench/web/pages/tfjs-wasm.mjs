// TensorFlow.js on its WebAssembly backend.

import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env } from '@tensorflow/tfjs-core';
import { start } from './tfjs.mjs';

export default (settings) =>
  start({ ...settings, backend: 'wasm' }, async ({ threads, runtime }) => {
    setWasmPaths(runtime);
    // With one thread it is the build without threads, as on a page that is not isolated from other origins.
    if (threads > 1) setThreadsCount(threads);
    else env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  });
