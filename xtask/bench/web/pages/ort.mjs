// onnxruntime-web as its documentation shows it: a session in the page, on its main thread.

import { contest } from './measure.mjs';

export function start(ort, settings) {
  const { provider, threads, width, height } = settings;
  contest(settings, async (bytes, model) => {
    ort.env.wasm.numThreads = threads;
    const session = await ort.InferenceSession.create(new Uint8Array(await bytes(model)), {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
    });
    return async (values) => {
      const image = new ort.Tensor('float32', values, [1, 1, height, width]);
      const { probabilities } = await session.run({ image }, ['probabilities']);
      return probabilities.getData();
    };
  });
}
