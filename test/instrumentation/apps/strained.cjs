/**
 * A service whose routes strain it while it calls the URL in `?to=`, each in its own way; prints its port. With `lookups`
 * as its first argument it asks for names at once instead, by HTTP, and stays until it is killed.
 */
const fs = require('node:fs');
const http = require('node:http');

const get = (url, options = {}) =>
  new Promise((resolve) => {
    const request = http.get(url, { agent: false, ...options }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', (error) => resolve(error.code));
  });

function block(ms) {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** Blocks as well, without computing. */
function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const strains = {
  quiet: () => {},
  block: () => block(600),
  'block-long': () => block(1100),
  sleep: () => sleep(600),
  'sleep-long': () => sleep(1100),
  /** Until the call's own time-out is long over, and the answer has come; timers run before what has come is read. */
  deaf: () => new Promise((resolve) => fs.stat('/', () => resolve(block(1300)))),
  collect() {
    let kept = [];
    for (let round = 0; round < 300; round += 1) {
      kept.push(Array.from({ length: 20_000 }, (_, index) => ({ index })));
      if (kept.length > 100) kept = [];
    }
  },
};

async function main() {
  if (process.argv[2] === 'lookups') {
    setInterval(() => {}, 1000);
    const names = ['one', 'two', 'three'].map((name) => `http://${name}.sockeye.test/${name}`);
    await Promise.all(names.map((url) => get(url, { timeout: 1200 })));
    console.log('done');
    return;
  }
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://service');
    if (pathname === '/fail') response.statusCode = 500;
    const to = searchParams.get('to');
    const call = to && get(to, { timeout: 700 });
    if (call) await new Promise((resolve) => setTimeout(resolve, 100));
    await strains[pathname.slice(1)]?.();
    await call;
    response.end('done');
  });
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
}
main();
