// What every contestant's page offers the driver, as `window.bench`.
//
// `first` is the time from navigation to the first probabilities. `check`, `classify` and `whole` run after it.

import { plane } from './image.mjs';

/** A slow contestant's calls end after so many milliseconds: the rounds make up for their number. */
const ENOUGH = 5000;

/**
 * Calls before the first that is timed: browsers compile a module twice, quickly at first, and well where it is run
 * often. Some contestants have run in the same page before and some have not.
 */
const UNTIMED = 20;

/** Times of `count` calls in milliseconds; at least one, fewer where they are slow. */
async function timed(count, call) {
  const found = [];
  const end = performance.now() + ENOUGH;
  for (let index = 0; index < count && (index < 1 || performance.now() < end); index += 1) {
    const start = performance.now();
    await call();
    found.push(performance.now() - start);
    // The event loop breathes, so that each call's tasks end with it.
    await new Promise((done) => setTimeout(done));
  }
  return found;
}

/** The same, after `UNTIMED` others. */
export async function times(count, call) {
  await timed(UNTIMED, call);
  return timed(count, call);
}

/** Long tasks of the main thread since the last call, in milliseconds; the browser tells those above 50. */
export function watchLongTasks() {
  let seen = [];
  const take = (entries) => seen.push(...entries.map((entry) => entry.duration));
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: 'longtask', buffered: true });
  return async () => {
    await new Promise((done) => setTimeout(done, 100));
    take(observer.takeRecords());
    const found = seen;
    seen = [];
    return found;
  };
}

/**
 * Runs a contestant that classifies in the page itself.
 *
 * `load(bytes)` gives `run(values)`, which gives probabilities for an input plane.
 */
export function contest({ model, image, width, height }, load) {
  const bytes = async (address) => (await fetch(address)).arrayBuffer();
  const longTasks = watchLongTasks();
  const start = async () => {
    const blob = fetch(image).then((answer) => answer.blob());
    const run = await load(bytes, model);
    const scan = await blob;
    const whole = async () => run(await plane(scan, width, height));
    await whole();
    return { ms: performance.now(), run, whole };
  };
  const started = start();
  started.catch(() => {});
  window.bench = {
    first: async () => (await started).ms,
    check: async (values) => Array.from(await (await started).run(Float32Array.from(values))),
    classify: async (values, count) => {
      const { run } = await started;
      const input = Float32Array.from(values);
      return { classify: await times(count, () => run(input)) };
    },
    whole: async (count) => {
      const { whole } = await started;
      await longTasks();
      return { whole: await times(count, whole), longTasks: await longTasks() };
    },
  };
}
