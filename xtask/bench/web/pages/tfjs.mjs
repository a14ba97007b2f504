// TensorFlow.js: the same network, built from the exported ONNX graph with TensorFlow.js's own operations.
//
// The graph comes as `graph.json` and `weights.bin`, converted beforehand (`convert.mjs`): kernels lie as
// TensorFlow.js wants them, [height, width, in, out], and planes are [batch, height, width, channels].

import * as tf from '@tensorflow/tfjs-core';
import { contest } from './measure.mjs';

export function start(settings, prepare) {
  const { backend, width, height } = settings;
  contest(settings, async (bytes, model) => {
    await prepare(settings);
    if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no backend ${backend} here`);
    await tf.ready();
    const [graph, weights] = await Promise.all([bytes(`${model}graph.json`), bytes(`${model}weights.bin`)]);
    const network = build(JSON.parse(new TextDecoder().decode(graph)), weights);
    return async (values) => {
      const output = tf.tidy(() => network(tf.tensor4d(values, [1, height, width, 1])));
      const probabilities = await output.data();
      output.dispose();
      return probabilities;
    };
  });
}

/** The graph as a function from the input to the last output. */
function build({ tensors, nodes, input, output }, buffer) {
  const constants = new Map(
    tensors.map(({ name, shape, offset, length }) => [
      name,
      tf.keep(tf.tensor(new Float32Array(buffer, offset, length), shape)),
    ]),
  );
  return (image) => {
    const values = new Map(constants).set(input, image);
    for (const node of nodes) {
      const inputs = node.inputs.map((name) => values.get(name));
      values.set(node.output, OPERATIONS[node.kind](inputs, node));
    }
    return values.get(output);
  };
}

/** Zeros around the plane: what TensorFlow.js pads only as one number for all sides, or not at all. */
function padded(x, [top, left, bottom, right]) {
  const uneven = top !== left || top !== bottom || top !== right;
  return uneven ? [tf.pad4d(x, [[0, 0], [top, bottom], [left, right], [0, 0]]), 0] : [x, top];
}

const OPERATIONS = {
  Conv([x, kernel, bias], { strides, pads, depthwise, activation }) {
    const [from, pad] = padded(x, pads);
    const convolve = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    return convolve({ x: from, filter: kernel, strides, pad, bias, activation, dimRoundingMode: 'floor' });
  },
  Gemm: ([x, weight, bias]) => tf.fused.matMul({ a: x, b: weight, bias }),
  Relu: ([x]) => tf.relu(x),
  Clip: ([x], { low, high }) => tf.clipByValue(x, low, high),
  Sigmoid: ([x]) => tf.sigmoid(x),
  Softmax: ([x]) => tf.softmax(x),
  Add: ([a, b]) => tf.add(a, b),
  Mul: ([a, b]) => tf.mul(a, b),
  Div: ([a, b]) => tf.div(a, b),
  MaxPool: ([x], { size, strides }) => tf.maxPool(x, size, strides, 'valid'),
  GlobalAveragePool: ([x]) => tf.mean(x, [1, 2], true),
  Flatten: ([x]) => tf.reshape(x, [x.shape[0], -1]),
  Enlarge: ([x, like]) => tf.image.resizeNearestNeighbor(x, like.shape.slice(1, 3)),
};
