// Drives `cargo xtask bench web`: node bench.mjs CONFIG.json. Writes every single time; medians are made elsewhere.

import { readFileSync, writeFileSync } from 'node:fs';
import { prepare } from './prepare.mjs';
import { surroundings, visit } from './visit.mjs';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const say = (line) => console.log(`    ${line}`);

/** The values of a NumPy file of 32-bit floats. */
function numpy(path) {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  return Array.from({ length: (bytes.length - start) / 4 }, (_, index) => bytes.readFloatLE(start + 4 * index));
}

const { all, server } = await prepare(config);
const plane = numpy(config.plane);
const { reference, tolerance } = config;
const entered = all.filter(({ name }) => !config.only.length || config.only.includes(name));

const distance = (found) =>
  found.length === reference.length ? Math.max(...found.map((value, index) => Math.abs(value - reference[index]))) : Infinity;

/** Throws unless the answer is the reference's. */
function agree(found) {
  const difference = distance(found.probabilities);
  if (!(difference <= tolerance)) throw new Error(`its probabilities differ by ${difference.toPrecision(2)}`);
  // What the page shows is from its own decoding and preprocessing, rounded for the bars.
  if (found.shown?.length === reference.length && !(distance(found.shown) <= tolerance + 1e-3))
    throw new Error(`the page shows other probabilities: ${found.shown.join(', ')}`);
  return difference;
}

try {
  const machine = await surroundings(config, server);
  const results = [];
  for (const contestant of entered) {
    const { name, title, path, threads, ours = false } = contestant;
    const result = { name, title, path, threads, ours, failure: null, difference: null, files: [], visits: [] };
    results.push(result);
    try {
      // Large files are compressed now, which takes up to minutes, and kept. The first visit compresses what
      // else is sent, checks the answer, and is not timed.
      await Promise.all(contestant.heavy.map(server.warm));
      const found = await visit(config, server, contestant, { plane, iterations: 1 });
      result.difference = agree(found);
      result.files = found.sent;
      result.engine = found.engine;
      say(`${name}: agrees within ${result.difference.toExponential(1)}`);
    } catch (error) {
      result.failure = error.message.split('\n')[0];
      say(`${name}: FAILED: ${result.failure}`);
    }
  }
  for (let round = 0; round < config.rounds; round += 1) {
    // Each round begins with another contestant, so that none is always after the same one.
    const turn = round % results.length;
    for (const result of [...results.slice(turn), ...results.slice(0, turn)]) {
      if (result.failure) continue;
      const contestant = entered.find(({ name }) => name === result.name);
      try {
        const found = await visit(config, server, contestant, { plane, iterations: config.iterations });
        agree(found);
        delete found.sent;
        found.again = found.again.reduce((sum, { bytes }) => sum + bytes, 0);
        result.visits.push(found);
      } catch (error) {
        result.failure = `in round ${round + 1}: ${error.message.split('\n')[0]}`;
        say(`${result.name}: FAILED ${result.failure}`);
      }
    }
    say(`round ${round + 1} of ${config.rounds}`);
  }
  writeFileSync(config.out, `${JSON.stringify({ machine, results })}\n`);
} finally {
  await server.close();
}
