/**
 * Answers at a port of its own with the smallest backlog, at the address of its first argument. Told to by SIGUSR2, it brings the
 * trouble of its second argument on itself, for as many milliseconds as its third says. With a fourth, so many workers answer, and
 * all of them get into that trouble.
 */
const cluster = require('node:cluster');
const fs = require('node:fs');
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');

const [address, trouble, forMs, workers = 0] = process.argv.slice(2);

const until = (work) => {
  for (const end = performance.now() + Number(forMs); performance.now() < end;) work();
};

const troubles = {
  /** Its event loop stands still, for nothing that takes a CPU. */
  block: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(forMs)),
  /** It needs all of a CPU. */
  compute: () => until(() => {}),
  /** Millions of objects that are all alive are gone through again and again. */
  garbage() {
    const kept = Array.from({ length: 3_000_000 }, (_, index) => ({ index }));
    until(gc);
    return kept.length;
  },
  /** It opens as many files as it may. */
  async files() {
    const files = [];
    try {
      for (;;) files.push(fs.openSync(__filename));
    } catch {
      await sleep(Number(forMs));
    }
    for (const file of files) fs.closeSync(file);
  },
};

if (cluster.isPrimary && Number(workers) > 0) {
  const started = Array.from({ length: Number(workers) }, () => cluster.fork());
  let listening = 0;
  cluster.on('listening', (worker, { port }) => {
    if (++listening === started.length) console.log(`port ${port}`);
  });
  process.on('SIGUSR2', () => started.forEach((worker) => worker.process.kill('SIGUSR2')));
} else {
  const server = http.createServer((request, response) => response.end('answer'));
  server.listen({ port: 0, host: address, backlog: 1 }, () => {
    if (cluster.isPrimary) console.log(`port ${server.address().port}`);
  });
  process.on('SIGUSR2', () => {
    process.stdout.write(`troubled ${cluster.worker?.id ?? 0}\n`);
    void troubles[trouble]();
  });
}
