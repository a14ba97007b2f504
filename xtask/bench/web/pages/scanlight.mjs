// Runs inside Scanlight's own page, before it: drops the file as soon as the page takes one, and reads the answer.
// A plain script that is put before the page's own: it imports nothing.

export function install({ name, base64, type }) {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
    type: 'longtask',
    buffered: true,
  });
  const drop = (name) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    const target = document.querySelector('main') ?? document.documentElement;
    for (const kind of ['dragover', 'drop']) {
      target.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }
  };
  /** Resolves when `test` gives something, looked at after each change of the page. */
  const seen = (test) =>
    new Promise((done) => {
      const look = () => {
        const found = test();
        if (found) {
          observer.disconnect();
          done(found);
        }
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    });
  const answered = (name) =>
    seen(
      () =>
        document.querySelector('main')?.dataset.phase === 'ready' &&
        document.querySelector('#file-name')?.textContent === name &&
        document.querySelector('.bar .fill') &&
        performance.now(),
    );
  const failed = () => seen(() => document.querySelector('.failure p')?.textContent ?? document.querySelector('#alert .banner p')?.textContent);
  const orFailure = (work) =>
    Promise.race([
      work,
      failed().then((line) => {
        throw new Error(line);
      }),
    ]);
  const started = orFailure(
    // What comes before the page's program is there is kept for it (web/boot.js).
    seen(() => window.scanlight).then(() => {
      drop(name);
      return answered(name);
    }),
  );
  started.catch(() => {});
  let count = 0;
  window.bench = {
    first: () => started,
    /** What the page shows, as far as the bars tell. */
    shown: () => ({
      engine: document.querySelector('#engine')?.textContent.trim() ?? '',
      notice: document.querySelector('#notice')?.textContent.trim() ?? '',
      shares: [...document.querySelectorAll('.bar .fill')].map((fill) => Number.parseFloat(fill.style.width) / 100),
    }),
    whole: async (rounds) => {
      longTasks.length = 0;
      const found = [];
      const enough = performance.now() + 5000;
      for (let index = 0; index <= rounds && (index < 2 || performance.now() < enough); index += 1) {
        count += 1;
        const file = `again-${count}.png`;
        const start = performance.now();
        drop(file);
        const end = await orFailure(answered(file));
        if (index > 0) found.push(end - start);
        await new Promise((done) => setTimeout(done, 20));
      }
      await new Promise((done) => setTimeout(done, 100));
      return { whole: found, longTasks: [...longTasks] };
    },
  };
}
