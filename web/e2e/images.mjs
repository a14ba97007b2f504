// Image files made byte by byte: good ones in every format that needs no library, and bad ones.

import { deflateSync } from 'node:zlib';

const CRC_TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

function pngHeader(width, height, colourType = 0) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header)]);
}

/** Grey pixels of a head with a bright spot: enough for a network to have something to look at. */
export function phantom(width, height) {
  const pixels = Buffer.alloc(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const u = (x / width - 0.5) / 0.38;
      const v = (y / height - 0.5) / 0.45;
      const radius = Math.hypot(u, v);
      let value = 0;
      if (radius < 1) value = radius > 0.9 ? 200 : 90 + 25 * Math.sin(9 * u) * Math.cos(7 * v);
      if (Math.hypot(u - 0.35, v + 0.3) < 0.22) value = 225;
      pixels[y * width + x] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return pixels;
}

/** An 8-bit grey PNG. */
export function png(width, height, pixels = phantom(width, height)) {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    pixels.copy(rows, y * (width + 1) + 1, y * width, (y + 1) * width);
  }
  return Buffer.concat([
    pngHeader(width, height),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** An RGB PNG of a meadow under a blue sky with a red house: nothing like a scan. */
export function photograph(width, height) {
  const stride = width * 3 + 1;
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = [x / width, y / height];
      const shade = 20 * Math.sin(40 * u + 13 * v) * Math.cos(31 * v);
      let colour = v < 0.55 ? [90 + 60 * v, 150 + 60 * v, 235] : [70, 150 - 60 * (v - 0.55), 50];
      if (u > 0.55 && u < 0.8 && v > 0.38 && v < 0.7) colour = [190, 50, 40];
      rows.set(colour.map((value) => Math.max(0, Math.min(255, Math.round(value + shade)))), y * stride + 1 + x * 3);
    }
  }
  return Buffer.concat([
    pngHeader(width, height, 2),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A 24-bit BMP. */
export function bmp(width, height, pixels = phantom(width, height)) {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = pixels[y * width + x];
      file.fill(value, 54 + (height - 1 - y) * stride + x * 3, 54 + (height - 1 - y) * stride + x * 3 + 3);
    }
  }
  return file;
}

/** An uncompressed 8-bit grey TIFF. */
export function tiff(width, height, pixels = phantom(width, height)) {
  const entries = [
    [256, 4, width], // width
    [257, 4, height], // height
    [258, 3, 8], // bits per sample
    [259, 3, 1], // no compression
    [262, 3, 1], // black is zero
    [273, 4, 0], // offset of the strip, set below
    [277, 3, 1], // samples per pixel
    [278, 4, height], // rows per strip
    [279, 4, pixels.length], // bytes in the strip
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  const offset = 8 + directory.length;
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, type, value], index) => {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(tag === 273 ? offset : value, at + 8);
  });
  const header = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  return Buffer.concat([header, directory, pixels]);
}

/** A PNG whose header claims 40,000 x 40,000 pixels; there are none. */
export function hugePng() {
  return Buffer.concat([
    pngHeader(40_000, 40_000),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A GIF of two 1 x 1 frames. */
export function animatedGif() {
  const frame = [
    [0x21, 0xf9, 4, 0, 10, 0, 0, 0], // 100 ms
    [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0], // 1 x 1 at the corner
    [2, 2, 0x44, 1, 0], // one pixel
  ].flat();
  return Buffer.from([
    ...Buffer.from('GIF89a', 'latin1'),
    1, 0, 1, 0, 0x80, 0, 0, // 1 x 1, two colours
    0, 0, 0, 255, 255, 255,
    ...[0x21, 0xff, 11, ...Buffer.from('NETSCAPE2.0', 'latin1'), 3, 1, 0, 0, 0],
    ...frame,
    ...frame,
    0x3b,
  ]);
}

/** A valid 8 x 8 JPEG of four components, as print shops use: one value everywhere. */
export function cmykJpeg() {
  const marker = (code, data) => {
    const length = data.length + 2;
    return [0xff, code, length >> 8, length & 0xff, ...data];
  };
  // One code of one bit: a difference of zero, or the end of a block.
  const table = (id) => [id, 1, ...new Array(15).fill(0), 0];
  const components = [1, 2, 3, 4];
  return Buffer.from([
    0xff, 0xd8,
    ...marker(0xee, [...Buffer.from('Adobe', 'latin1'), 0, 100, 0, 0, 0, 0, 0]),
    ...marker(0xdb, [0, ...new Array(64).fill(1)]),
    ...marker(0xc0, [8, 0, 8, 0, 8, 4, ...components.flatMap((id) => [id, 0x11, 0])]),
    ...marker(0xc4, [...table(0x00), ...table(0x10)]),
    ...marker(0xda, [4, ...components.flatMap((id) => [id, 0x00]), 0, 63, 0]),
    0x00, // four blocks of two zero bits
    0xff, 0xd9,
  ]);
}

/** What must end in one clear line each, with a word the line must hold. */
export const BAD_FILES = [
  { name: 'text.png', bytes: Buffer.from('This is a text, whatever its name says.\n'), says: /no file that can be read here/i },
  { name: 'empty.png', bytes: Buffer.alloc(0), says: /empty/i },
  { name: 'huge.png', bytes: hugePng(), says: /too large/i },
  { name: 'animated.gif', bytes: animatedGif(), says: /animated|gif/i },
  { name: 'print.jpg', bytes: cmykJpeg(), says: /cmyk/i },
  { name: 'cut.png', bytes: png(64, 64).subarray(0, 400), says: /damaged|incomplete/i },
];
