/** The order in which ticks, promises, timers, immediates and the events of calls come, and what `AsyncLocalStorage` holds in each. */
const { AsyncLocalStorage, AsyncResource, executionAsyncId } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { performance } = require('node:perf_hooks');
const { get, print, withServer } = require('./observe.cjs');

const storage = new AsyncLocalStorage();
const steps = [];
const step = (name) => steps.push(`${name} ${storage.getStore() ?? 'nothing'}`);

/** Everything that can be waited for, from where the code is. */
const ladder = (name) =>
  new Promise((resolve) => {
    setImmediate(() => {
      step(`${name} immediate`);
      setImmediate(() => {
        step(`${name} second immediate`);
        setTimeout(resolve, 2);
      });
    });
    process.nextTick(() => step(`${name} tick`));
    queueMicrotask(() => step(`${name} microtask`));
    Promise.resolve().then(() => step(`${name} promise`));
    step(`${name} at once`);
  });

async function calls(port) {
  await storage.run('by http', async () => {
    await new Promise((resolve) => {
      const request = http.request({ host: '127.0.0.1', port, method: 'POST' });
      for (const event of ['socket', 'finish', 'close']) request.on(event, () => step(`request ${event}`));
      request.on('response', (response) => {
        step('request response');
        response.on('data', () => step('answer data'));
        response.on('end', () => ladder('after the answer').then(resolve));
      });
      step('before the request');
      request.end('body');
      step('after the request');
    });
    step('awaited');
  });
  await storage.run('by fetch', async () => {
    const pending = fetch(`http://127.0.0.1:${port}/`);
    step('fetch is called');
    pending.then(() => step('fetch settled'));
    const response = await pending;
    step('fetch awaited');
    await response.text();
    step('body awaited');
    await ladder('after fetch');
  });
  await storage.run('by socket', async () => {
    await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      for (const event of ['connect', 'ready', 'data', 'end', 'close'])
        socket.on(event, () => step(`socket ${event}`));
      socket.once('close', resolve);
      socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'));
    });
  });
}

async function others() {
  await storage.run('a timer', () => ladder('timer'));
  storage.enterWith('entered');
  await ladder('entered');
  storage.exit(() => step('exited'));
  const resource = storage.run('a resource', () => new AsyncResource('own'));
  resource.runInAsyncScope(() => step('resource'));
  const bound = storage.run('bound', () => AsyncLocalStorage.snapshot());
  bound(() => step('snapshot'));
  const emitter = new EventEmitter();
  storage.run('added', () => emitter.on('event', () => step('emitter')));
  storage.run('emitted', () => emitter.emit('event'));
  const { signal } = storage.run('signal', () => new AbortController());
  print('ids grow', executionAsyncId() > 0, signal.aborted);
}

/** Whether timers keep their delays: never early, and together rather than one after the other. */
async function timers() {
  const started = performance.now();
  const late = await Promise.all(
    [10, 20, 30].map(
      (delay) =>
        new Promise((resolve) => setTimeout(() => resolve(performance.now() - started >= delay - 1), delay)),
    ),
  );
  const timer = setTimeout(() => {}, 1000);
  print('timers', late, timer.hasRef(), timer.unref().hasRef(), typeof timer[Symbol.toPrimitive]());
  clearTimeout(timer);
}

async function main() {
  const server = http.createServer((request, response) => {
    step(`server ${request.method}`);
    storage.run(`serving ${request.method}`, () => {
      request.on('data', () => step('request data'));
      request.on('end', () => {
        step('request end');
        setImmediate(() => response.end('answer'));
      });
      response.on('finish', () => step('response finish'));
    });
  });
  await withServer(server, async (port) => {
    await calls(port);
    await Promise.all(
      [1, 2, 3].map((each) =>
        storage.run(`parallel ${each}`, () => get({ host: '127.0.0.1', port }).then(() => step('parallel'))),
      ),
    );
  });
  await others();
  await timers();
  // Client and server share the process: what each of them does is in order, not how they take turns.
  const isServing = (each) => /^(server|request (data|end)|response)/.test(each);
  for (const each of steps.filter((name) => !isServing(name) && !name.startsWith('parallel'))) print(each);
  for (const each of steps.filter(isServing)) print('serving', each);
  print(steps.filter((name) => name.startsWith('parallel')).toSorted());
}

main();
