// TensorFlow.js on its WebGPU backend.

import '@tensorflow/tfjs-backend-webgpu';
import { start } from './tfjs.mjs';

export default (settings) => start({ ...settings, backend: 'webgpu' }, async () => {});
