/** Calls over streams that are no sockets, by agents of the program's own, with bodies that are cut short; and whether any of it is kept in memory. */
const { once } = require('node:events');
const { rmSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { PerformanceObserver } = require('node:perf_hooks');
const { PassThrough, Readable, duplexPair, finished, pipeline } = require('node:stream');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { describeError, noteEvents, print, withServer } = require('./observe.cjs');

const requestEvents = ['socket', 'finish', 'timeout', 'abort', 'error', 'close'];
const answerEvents = ['aborted', 'end', 'error', 'close', 'pause', 'resume'];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Makes a call, and gives what the program sees of it. */
async function call(options, read = (answer) => answer.setEncoding('utf8')) {
  const notes = [];
  const request = http.get(options, (answer) => {
    noteEvents(notes, 'answer', answer, answerEvents);
    read(answer, notes);
    if (read.length < 2) answer.on('data', (chunk) => notes.push(chunk));
  });
  noteEvents(notes, 'request', request, requestEvents);
  request.on('error', (error) => notes.push(describeError(error, 1)));
  await new Promise((resolve) => request.once('close', resolve));
  await sleep(30);
  const { path, host, reusedSocket, destroyed } = request;
  return [notes, path, host, reusedSocket, destroyed, Object.keys(request).toSorted()];
}

/** Agents that give the connection now, later, or not at all. */
async function connections() {
  const server = http.createServer((request, response) => response.end(`to ${request.url}`));
  const connect = () => {
    const [near, far] = duplexPair();
    server.emit('connection', far);
    return near;
  };
  class Later extends http.Agent {
    createConnection(_options, done) {
      setImmediate(() => done(null, connect()));
    }
  }
  class Failing extends http.Agent {
    createConnection(_options, done) {
      setImmediate(() => done(new Error('no connection')));
    }
  }
  const refusing = { addRequest: (request) => request.onSocket(null, new Error('refused')) };
  print('at once', await call({ createConnection: connect, path: '/pair' }));
  print('later', await call({ agent: new Later(), path: '/later' }));
  print('never', await call({ agent: new Failing(), path: '/never' }));
  print('refused', await call({ agent: refusing, path: '/refused' }));
  const socketPath = join(tmpdir(), `sockeye-calling-${process.pid}`);
  await once(server.listen(socketPath), 'listening');
  print('local', await call({ socketPath, path: '/local' }));
  await new Promise((resolve) => server.close(resolve));
  rmSync(socketPath, { force: true });
}

/** What an agent's own methods are called with, and when. */
async function agents(port) {
  const notes = [];
  class Noting extends http.Agent {
    addRequest(request, options, ...rest) {
      notes.push(['add', Object.keys(options).toSorted()]);
      return super.addRequest(request, options, ...rest);
    }
    createSocket(...args) {
      notes.push('create');
      return super.createSocket(...args);
    }
    keepSocketAlive(socket) {
      notes.push('keep');
      return super.keepSocketAlive(socket);
    }
    reuseSocket(socket, request) {
      notes.push('reuse');
      return super.reuseSocket(socket, request);
    }
  }
  const agent = new Noting({ keepAlive: true, maxSockets: 1, timeout: 5000 });
  agent.on('free', (socket) =>
    notes.push([
      'free',
      socket.timeout,
      ['timeout', 'close', 'error'].map((event) => socket.listenerCount(event)),
    ]),
  );
  const one = (path) => call({ port, host: '127.0.0.1', agent, path });
  print('an agent', await Promise.all([one('/1'), one('/2'), one('/3')]), notes, agent.totalSocketCount);
  agent.destroy();
}

/** The ways in which a program reads an answer, or does not. */
async function readings(port) {
  const slow = { port, host: '127.0.0.1', path: '/slow' };
  const ways = {
    'to the end': (answer) => answer.setEncoding('utf8'),
    'to the end, by finished': (answer, notes) =>
      finished(answer.resume(), (error) => notes.push(['finished', error?.code])),
    'one part': async (answer, notes) => {
      for await (const part of answer) {
        notes.push(String(part));
        break;
      }
    },
    'through a pipeline that fails': (answer, notes) => {
      const failing = async function* (source) {
        for await (const part of source) {
          yield part;
          throw new Error('no more');
        }
      };
      pipeline(answer, failing, new PassThrough(), (error) => notes.push(describeError(error, 1)));
    },
    'nothing, destroyed': (answer, notes) => notes.push(answer.destroy().destroyed),
    'nothing, destroyed with an error': (answer, notes) =>
      notes.push(answer.destroy(new Error('thrown away')).destroyed),
  };
  for (const [name, read] of Object.entries(ways)) print('read', name, await call(slow, read));
}

async function fetches(port) {
  const at = (path) => `http://127.0.0.1:${port}${path}`;
  const echo = (init) => fetch(at('/echo'), { method: 'POST', ...init }).then((answer) => answer.text());
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) });
  const ways = {
    whole: async () => (await fetch(at('/slow'))).text(),
    'one part': async () => {
      for await (const part of (await fetch(at('/slow'))).body) return Buffer.from(part).toString();
    },
    cancelled: async () => (await fetch(at('/slow'))).body.cancel('no more'),
    twice: async () => {
      const answer = await fetch(at('/slow'));
      const other = answer.clone();
      return [await answer.text(), await other.text(), answer.bodyUsed];
    },
    redirected: async () => {
      const { redirected, type, status } = await fetch(at('/redirect'));
      return [redirected, type, status];
    },
    'not redirected': () => fetch(at('/redirect'), { redirect: 'error' }),
    'with a stream': () => echo({ body: Readable.from(['a', 'b']), duplex: 'half' }),
    'with a stream that breaks': () => echo({ body: broken, duplex: 'half' }),
    'of a request': async () =>
      (await fetch(new Request(at('/echo'), { method: 'PUT', body: 'put' }))).text(),
  };
  for (const [name, act] of Object.entries(ways)) {
    try {
      print('fetch', name, await act());
    } catch (error) {
      print('fetch', name, 'failed', describeError(error, 1));
    }
  }
  const reasons = ['text', 7, null, undefined, new Error('mine'), Object.freeze({ frozen: true })];
  for (const reason of reasons) {
    const controller = new AbortController();
    const answer = await fetch(at('/hang'), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    const error = await answer.text().catch((each) => each);
    print('aborted', error === reason, error === controller.signal.reason, describeError(error, 1));
  }
}

/** What a PerformanceObserver is told of calls. */
async function measured(port) {
  const kinds = [];
  const observer = new PerformanceObserver((list) => {
    for (const { name, entryType, detail } of list.getEntries())
      kinds.push([name, entryType, Object.keys(detail ?? {}).toSorted()]);
  });
  observer.observe({ entryTypes: ['http', 'net', 'dns'] });
  await call({ port, host: 'localhost', family: 4, path: '/measured' });
  await sleep(50);
  observer.disconnect();
  print('measured', kinds.map((each) => JSON.stringify(each)).toSorted());
}

/** Of twenty of each, all but a few, which what was last holds, are collected. */
async function collected() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const left = { request: 20, response: 20, call: 20, answer: 20, socket: 20 };
  const registry = new FinalizationRegistry((kind) => (left[kind] -= 1));
  const server = http.createServer((request, response) => {
    registry.register(request, 'request');
    registry.register(response, 'response');
    response.end('x');
  });
  await withServer(server, async (port) => {
    for (let count = 0; count < 20; count += 1) {
      const made = http.get({ port, host: '127.0.0.1', agent: false });
      registry.register(made, 'call');
      const [answer] = await once(made, 'response');
      registry.register(answer, 'answer');
      registry.register(made.socket, 'socket');
      await once(answer.resume(), 'close');
    }
  });
  const isGone = () => Object.values(left).every((count) => count <= 3);
  for (let round = 0; round < 100 && !isGone(); round += 1) {
    collect();
    await sleep(10);
  }
  print('collected', isGone());
}

async function main() {
  await connections();
  const server = http.createServer((request, response) => {
    if (request.url === '/slow') {
      response.write('one');
      setTimeout(() => response.end('two'), 50);
    } else if (request.url === '/hang') response.write('begun');
    else if (request.url === '/redirect') response.writeHead(302, { location: '/there' }).end();
    else if (request.url === '/echo') request.pipe(response);
    else response.end(`to ${request.url}`);
  });
  await withServer(server, async (port) => {
    for (const each of [agents, readings, fetches, measured]) await each(port);
  });
  await collected();
}

main();
