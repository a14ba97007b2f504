// Reads the parts of an ONNX file that `scanlight export` writes (protobuf; https://onnx.ai/onnx/repo-docs/IR.html).

const FLOAT = 1;
const INTEGER = 7;

/** The fields of a protobuf message, by number: integers as BigInt, the rest as bytes. */
function fields(bytes) {
  const found = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length) throw new Error('the ONNX file ends within a number');
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length) => {
    if (at + length > bytes.length) throw new Error('the ONNX file ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, kind] = [Number(key >> 3n), Number(key & 7n)];
    let value;
    if (kind === 0) value = varint();
    else if (kind === 1) value = take(8);
    else if (kind === 2) value = take(Number(varint()));
    else if (kind === 5) value = take(4);
    else throw new Error(`the ONNX file holds a field of the unknown kind ${kind}`);
    if (!found.has(number)) found.set(number, []);
    found.get(number).push(value);
  }
  return found;
}

const text = (bytes) => (bytes ? new TextDecoder().decode(bytes) : '');
const texts = (list = []) => list.map(text);

/** A repeated integer, packed or not. */
function integers(list = []) {
  return list.flatMap((item) => {
    if (typeof item === 'bigint') return [Number(BigInt.asIntN(64, item))];
    const found = [];
    let value = 0n;
    let shift = 0n;
    for (const byte of item) {
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) {
        found.push(Number(BigInt.asIntN(64, value)));
        [value, shift] = [0n, 0n];
      }
    }
    return found;
  });
}

function attribute(bytes) {
  const field = fields(bytes);
  const name = text(field.get(1)?.[0]);
  if (field.has(8)) return [name, integers(field.get(8))];
  if (field.has(4)) return [name, text(field.get(4)[0])];
  return [name, integers(field.get(3))[0]];
}

function node(bytes) {
  const field = fields(bytes);
  return {
    inputs: texts(field.get(1)),
    outputs: texts(field.get(2)),
    kind: text(field.get(4)?.[0]),
    attributes: Object.fromEntries((field.get(5) ?? []).map(attribute)),
  };
}

function tensor(bytes) {
  const field = fields(bytes);
  const name = text(field.get(8)?.[0]);
  const raw = field.get(9)?.[0];
  const type = Number(field.get(2)?.[0] ?? 0n);
  if (!raw) throw new Error(`the tensor ${name} has no raw data`);
  // A copy, since the file's own bytes need not be aligned.
  const { buffer } = new Uint8Array(raw);
  const values = { [FLOAT]: () => new Float32Array(buffer), [INTEGER]: () => [...new BigInt64Array(buffer)].map(Number) }[type];
  if (!values) throw new Error(`the tensor ${name} holds values of the unknown type ${type}`);
  return { name, shape: integers(field.get(1)), integer: type === INTEGER, values: values() };
}

/** The graph of a file: nodes in order, tensors by name, the input's name and its plane, the outputs' names. */
export function read(bytes) {
  const graph = fields(fields(bytes).get(7)?.[0] ?? new Uint8Array());
  const value = (bytes) => fields(bytes);
  const input = graph.get(11)?.[0];
  if (!input) throw new Error('the ONNX file has no graph with an input');
  const type = fields(fields(value(input).get(2)[0]).get(1)[0]);
  const sides = (fields(type.get(2)[0]).get(1) ?? []).map((side) => Number(fields(side).get(1)?.[0] ?? 0n));
  return {
    nodes: (graph.get(1) ?? []).map(node),
    tensors: new Map((graph.get(5) ?? []).map(tensor).map((tensor) => [tensor.name, tensor])),
    input: text(value(input).get(1)[0]),
    height: sides[2],
    width: sides[3],
    outputs: (graph.get(12) ?? []).map((output) => text(value(output).get(1)[0])),
  };
}
