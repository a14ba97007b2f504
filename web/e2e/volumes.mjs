// Volumes, series and archives made byte by byte.

import { deflateRawSync, gzipSync } from 'node:zlib';

/** A block of voxels, 16-bit, x fastest: a round head that grows and shrinks from below, with a bright spot. */
export function head([width, height, depth]) {
  const voxels = new Int16Array(width * height * depth);
  for (let z = 0; z < depth; z += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const [u, v, w] = [(x / width - 0.5) / 0.4, (y / height - 0.5) / 0.46, (z / depth - 0.5) / 0.48];
        const radius = Math.hypot(u, v, w);
        let value = 0;
        if (radius < 1) value = radius > 0.9 ? 1400 : 600 + 150 * Math.sin(8 * u) * Math.cos(6 * v);
        if (Math.hypot(u - 0.3, v - 0.35, w) < 0.25) value = 1800;
        voxels[(z * height + y) * width + x] = Math.round(value);
      }
    }
  }
  return voxels;
}

/** A NIfTI-1 file of 16-bit voxels whose x runs to the patient's left unless `affine` says otherwise. */
export function nifti(dims, { spacing = [1, 1, 1], voxels = head(dims), oriented = true } = {}) {
  const header = Buffer.alloc(352);
  header.writeInt32LE(348, 0);
  [3, ...dims, 1, 1, 1, 1].forEach((value, index) => header.writeInt16LE(value, 40 + 2 * index));
  header.writeInt16LE(4, 70); // int16
  header.writeInt16LE(16, 72);
  [1, ...spacing].forEach((value, index) => header.writeFloatLE(value, 76 + 4 * index));
  header.writeFloatLE(352, 108);
  header.writeFloatLE(1, 112);
  header[123] = 2; // millimetres
  if (oriented) {
    header.writeInt16LE(1, 254); // sform
    [-spacing[0], 0, 0, 0].forEach((value, index) => header.writeFloatLE(value, 280 + 4 * index));
    [0, spacing[1], 0, 0].forEach((value, index) => header.writeFloatLE(value, 296 + 4 * index));
    [0, 0, spacing[2], 0].forEach((value, index) => header.writeFloatLE(value, 312 + 4 * index));
  }
  header.write('n+1\0', 344, 'latin1');
  return Buffer.concat([header, Buffer.from(voxels.buffer)]);
}

export function niftiGz(dims, options) {
  return gzipSync(nifti(dims, options), { level: 1 });
}

function element(group, number, kind, value) {
  const long = ['OB', 'OW', 'SQ', 'UN'].includes(kind);
  const padded = value.length % 2 ? Buffer.concat([value, Buffer.from(kind === 'UI' ? '\0' : ' ', 'latin1')]) : value;
  const header = Buffer.alloc(long ? 12 : 8);
  header.writeUInt16LE(group, 0);
  header.writeUInt16LE(number, 2);
  header.write(kind, 4, 'latin1');
  if (long) header.writeUInt32LE(padded.length, 8);
  else header.writeUInt16LE(padded.length, 6);
  return Buffer.concat([header, padded]);
}

const text = (value) => Buffer.from(value, 'latin1');
const number = (value) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

/** One slice of a series, or several frames, as a DICOM file, explicit little endian. `values` are 16-bit. */
export function dicom({
  width, height, values, series = '1.2.3.4', instance, patient = 'Nobody^Known', z = instance, frames = 1,
}) {
  const syntax = '1.2.840.10008.1.2.1';
  const kind = '1.2.840.10008.5.1.4.1.1.4';
  const meta = Buffer.concat([
    element(2, 0x02, 'UI', text(kind)),
    element(2, 0x03, 'UI', text(`${series}.${instance}`)),
    element(2, 0x10, 'UI', text(syntax)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const pixels = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => pixels.writeInt16LE(value, 2 * index));
  return Buffer.concat([
    Buffer.alloc(128),
    text('DICM'),
    element(2, 0, 'UL', length),
    meta,
    element(0x08, 0x16, 'UI', text(kind)),
    element(0x08, 0x18, 'UI', text(`${series}.${instance}`)),
    element(0x08, 0x60, 'CS', text('MR')),
    element(0x10, 0x10, 'PN', text(patient)),
    element(0x10, 0x20, 'LO', text('12345')),
    element(0x18, 0x50, 'DS', text('5')),
    element(0x20, 0x0d, 'UI', text('1.2.3')),
    element(0x20, 0x0e, 'UI', text(series)),
    element(0x20, 0x13, 'IS', text(String(instance))),
    element(0x20, 0x32, 'DS', text(`0\\0\\${5 * z}`)),
    element(0x20, 0x37, 'DS', text('1\\0\\0\\0\\1\\0')),
    element(0x28, 0x02, 'US', number(1)),
    element(0x28, 0x04, 'CS', text('MONOCHROME2')),
    ...(frames > 1 ? [element(0x28, 0x08, 'IS', text(String(frames)))] : []),
    element(0x28, 0x10, 'US', number(height)),
    element(0x28, 0x11, 'US', number(width)),
    element(0x28, 0x30, 'DS', text('1\\1')),
    element(0x28, 0x100, 'US', number(16)),
    element(0x28, 0x101, 'US', number(16)),
    element(0x28, 0x102, 'US', number(15)),
    element(0x28, 0x103, 'US', number(1)),
    element(0x7fe0, 0x10, 'OW', pixels),
  ]);
}

/** The slices of [`head`] as the files of a series. */
export function series([width, height, depth], options = {}) {
  const voxels = head([width, height, depth]);
  return Array.from({ length: depth }, (_, index) => ({
    name: `IM${String(index).padStart(4, '0')}`,
    bytes: dicom({
      width,
      height,
      values: voxels.subarray(index * width * height, (index + 1) * width * height),
      instance: index + 1,
      ...options,
    }),
  }));
}

const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A zip archive, uncompressed unless it is said otherwise. */
export function zip(files, { deflate = false } = {}) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const packed = deflate ? deflateRawSync(bytes) : bytes;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflate ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 0]), common, tail, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}
