// An ONNX graph as TensorFlow.js wants it: planes of [batch, height, width, channels], kernels turned
// accordingly, and an activation that follows a convolution fused with it, as TensorFlow.js's own converter does.

/** Kernels [out, in, h, w] as [h, w, in, out]; one per channel, [channels, 1, h, w], as [h, w, channels, 1]. */
export function turnKernel({ shape: [out, inside, h, w], values }, depthwise) {
  const turned = new Float32Array(values.length);
  const [rows, columns] = depthwise ? [out, 1] : [inside, out];
  for (let o = 0; o < out; o += 1)
    for (let i = 0; i < inside; i += 1)
      for (let y = 0; y < h; y += 1)
        for (let x = 0; x < w; x += 1) {
          const [row, column] = depthwise ? [o, 0] : [i, o];
          turned[((y * w + x) * rows + row) * columns + column] = values[((o * inside + i) * h + y) * w + x];
        }
  return { shape: [h, w, rows, columns], values: turned };
}

function turnMatrix({ shape: [rows, columns], values }) {
  const turned = new Float32Array(values.length);
  for (let r = 0; r < rows; r += 1)
    for (let c = 0; c < columns; c += 1) turned[c * rows + r] = values[r * columns + c];
  return { shape: [columns, rows], values: turned };
}

/** What a `Clip` clips to. */
function bounds(graph, inputs) {
  const [low, high] = [1, 2].map((index) => graph.tensors.get(inputs[index])?.values[0]);
  return { low: low ?? -Infinity, high: high ?? Infinity };
}

/** The graph up to `output` as plain data, and its weights as one run of bytes. */
export function convert(graph, output = 'probabilities') {
  const tensors = [];
  const nodes = [];
  const parts = [];
  let length = 0;
  const put = (name, { shape, values }) => {
    tensors.push({ name, shape, offset: length * 4, length: values.length });
    parts.push(values);
    length += values.length;
  };
  const constant = (name) => {
    if (!graph.tensors.has(name)) throw new Error(`${name} is no constant`);
    return graph.tensors.get(name);
  };
  const users = (name) => graph.nodes.filter((node) => node.inputs.includes(name));
  const shapes = new Set();
  const skipped = new Set();
  const known = {
    Conv({ inputs: [x, weight, bias], outputs, attributes: { strides, pads, group = 1 } }) {
      const kernel = constant(weight);
      const depthwise = group > 1;
      if (depthwise && (group !== kernel.shape[0] || kernel.shape[1] !== 1))
        throw new Error(`${outputs[0]} has ${group} groups: only one, or one for each channel, can be built`);
      put(weight, turnKernel(kernel, depthwise));
      put(bias, constant(bias));
      let [name, activation] = [outputs[0], 'linear'];
      const [next, ...more] = users(name);
      if (next && !more.length) {
        const limits = next.kind === 'Clip' ? bounds(graph, next.inputs) : {};
        if (next.kind === 'Relu') activation = 'relu';
        if (limits.low === 0 && limits.high === 6) activation = 'relu6';
        if (next.kind === 'Sigmoid') activation = 'sigmoid';
        if (activation !== 'linear') {
          skipped.add(next);
          name = next.outputs[0];
        }
      }
      return { inputs: [x, weight, bias], output: name, strides, pads, depthwise, activation };
    },
    Gemm({ inputs: [x, weight, bias], outputs: [name], attributes: { transB = 0 } }) {
      const matrix = constant(weight);
      put(weight, transB ? turnMatrix(matrix) : matrix);
      put(bias, constant(bias));
      return { inputs: [x, weight, bias], output: name };
    },
    Clip: (node) => ({ ...plain({ ...node, inputs: node.inputs.slice(0, 1) }), ...bounds(graph, node.inputs) }),
    MaxPool: (node) => ({ ...plain(node), size: node.attributes.kernel_shape, strides: node.attributes.strides }),
    Div({ inputs: [x, by], outputs: [output] }) {
      put(by, constant(by));
      return { inputs: [x, by], output };
    },
    // The sizes of what it enlarges to come through Shape, Slice and Concat: TensorFlow.js has them at hand.
    Resize({ inputs: [x, , , sizes], outputs: [output], attributes: { mode } }) {
      if (mode !== 'nearest') throw new Error(`${output} resizes with ${mode}: only nearest can be built`);
      return { kind: 'Enlarge', inputs: [x, sizedLike(graph, sizes)], output };
    },
  };
  const plain = ({ inputs, outputs: [output] }) => ({ inputs, output });
  const simple = new Set(['Relu', 'Sigmoid', 'Softmax', 'Add', 'Mul', 'GlobalAveragePool', 'Flatten']);
  for (const node of graph.nodes) {
    if (skipped.has(node)) continue;
    if (['Shape', 'Slice', 'Concat'].includes(node.kind)) {
      shapes.add(node.outputs[0]);
      continue;
    }
    const make = known[node.kind] ?? (simple.has(node.kind) ? plain : null);
    if (!make) throw new Error(`TensorFlow.js's network cannot be built: the operation ${node.kind} is unknown`);
    const made = { kind: node.kind, ...make(node) };
    if (made.inputs.some((name) => shapes.has(name))) throw new Error(`${made.output} computes with sizes`);
    nodes.push(made);
  }
  const weights = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    weights.set(part, at);
    at += part.length;
  }
  return {
    graph: { input: graph.input, output, tensors, nodes },
    weights: Buffer.from(weights.buffer),
  };
}

/** The value whose plane the computed sizes are those of: `Concat(Slice(Shape(x)), Slice(Shape(like)))`. */
function sizedLike(graph, name) {
  const maker = (name) => graph.nodes.find((node) => node.outputs.includes(name));
  const concat = maker(name);
  const slice = concat && maker(concat.inputs.at(-1));
  const shape = slice && maker(slice.inputs[0]);
  if (concat?.kind !== 'Concat' || slice?.kind !== 'Slice' || shape?.kind !== 'Shape')
    throw new Error(`the sizes ${name} are not those of another value's plane`);
  return shape.inputs[0];
}
