/**
 * Gives calls up in ways of its own, one after the other. Arguments: a server that answers nothing but `/warm`, one whose answers
 * stop half way, one that takes no connections, one that says nothing at all. Prints how each call ended, as one line of JSON.
 * Stays until it is killed.
 */
const { once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const { Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { setImmediate: turn } = require('node:timers/promises');
const undici = require('undici');

const [, , silent, stalling, full, mute] = process.argv;
const afterMs = 200;

const refusing = (error) => {
  const agent = new http.Agent();
  agent.createConnection = (_options, done) => void setTimeout(() => done(error), afterMs);
  return agent;
};

const get = (url, options = {}, started = (_request) => {}) =>
  new Promise((resolve, reject) => {
    const request = http.get(url, options, resolve).on('error', reject);
    started(request);
  });

const abortBody = async (url, reason) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), afterMs);
  const { body } = await undici.request(url, { signal: controller.signal });
  await body.text();
};

/** Before there is an answer: by `call`, which is given a signal. */
const abortCall = (call, reason, derive = (signal) => signal) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), afterMs);
  return call(derive(controller.signal));
};

const viaHttp2 = (path, signal) =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':path': `/${path}` }, { signal });
    stream.on('response', resolve).on('error', reject);
  });

let session;
/**
 * The next call finds an open connection, and is sent before the event loop turns: however busy the machine, it is waiting for
 * its answer when its time is over.
 */
const warm = {
  fetch: async () => (await fetch(`${silent}warm`)).text(),
  npm: async () => (await undici.fetch(`${silent}warm`)).text(),
  http: async () => {
    for await (const _part of await get(`${silent}warm`));
  },
  http2: async () => {
    session?.destroy();
    session = http2.connect(mute).on('error', () => {});
    await once(session, 'connect');
  },
};

const clients = {
  fetch: (path, signal) => fetch(`${silent}${path}`, { signal }),
  'fetch-request': (path, signal) => fetch(new Request(`${silent}${path}`, { signal })),
  'npm-fetch': (path, signal) => undici.fetch(`${silent}${path}`, { signal }),
  'npm-request': (path, signal) => undici.request(`${silent}${path}`, { signal }),
  'npm-stream': (path, signal) =>
    undici.stream(
      `${silent}${path}`,
      { signal },
      () => new Writable({ write: (_chunk, _encoding, done) => done() }),
    ),
  http: (path, signal) => get(`${silent}${path}`, { signal }),
  http2: viaHttp2,
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const throwing = {
  get name() {
    throw new Error('read');
  },
};
const reasons = {
  text: 'text',
  null: null,
  error: new Error('own'),
  none: undefined,
  function: function secret() {},
  symbol: Symbol('text'),
  bigint: 5n,
  object: {},
  throwing,
  revoked: revoked.proxy,
};

const early = {};
for (const [client, call] of Object.entries(clients)) {
  const add = (name, reason, derive) => {
    early[`${client}-${name}`] = async (path) => {
      await warm[client.split('-', 1)[0]]();
      await turn();
      return abortCall((signal) => call(path, signal), reason, derive);
    };
  };
  for (const [name, reason] of Object.entries(reasons)) add(name, reason);
  add('any', 'text', (signal) => AbortSignal.any([signal]));
}

/** What Node made for an abort long ago. */
const used = new AbortController();
used.abort();

const unconnected = {
  fetch: (path, signal) => fetch(`${full}${path}`, { signal }),
  'npm-fetch': (path, signal) => undici.fetch(`${full}${path}`, { signal }),
};
for (const [client, call] of Object.entries(unconnected)) {
  early[`${client}-unconnected`] = (path) => abortCall((signal) => call(path, signal), 'text');
}

/** The one connection of its pool is taken. */
const inQueue = async (path) => {
  const dispatcher = new undici.Agent({ connections: 1 });
  const holder = undici.fetch(silent, { dispatcher }).catch(() => {});
  try {
    await abortCall((signal) => undici.fetch(`${silent}${path}`, { dispatcher, signal }), 'text');
  } finally {
    await dispatcher.destroy();
    await holder;
  }
};

/** `null` takes the request's signal away: what ends the call is another, for a reason that is the same text. */
const withoutSignal = async (path) => {
  const dispatcher = new undici.Agent();
  const request = new undici.Request(`${silent}${path}`, { signal: AbortSignal.abort('text') });
  setTimeout(() => dispatcher.destroy('text'), afterMs);
  await undici.fetch(request, { dispatcher, signal: null });
};

/** Not the request is destroyed, but what it goes by, or its answer. */
const destroySocket = (path, error) =>
  get(`${silent}${path}`, {}, (request) => setTimeout(() => request.socket.destroy(error), afterMs));
const destroyAnswer = async (path, late) => {
  const answer = await get(`${stalling}${path}`, {});
  late(answer, () => answer.destroy(new Error('own')));
  for await (const _part of answer);
};
/** By a timer that begins with the call, with an error or without one. */
const dropAnswer = (path, error) =>
  new Promise((resolve, reject) => {
    let answer;
    setTimeout(() => answer.destroy(error), afterMs);
    get(`${stalling}${path}`, {}).then((got) => {
      answer = got.resume().on('error', reject).on('close', resolve);
    });
  });
/** The program leaves an answer half read, in ways that destroy its request. */
const leaving = {
  iteration: async (answer) => {
    for await (const _part of answer) break;
  },
  sink: async (answer) => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no room')) });
    await pipeline(answer, sink).catch(() => {});
  },
  request: (answer, request) => {
    answer.on('error', () => {});
    request.destroy();
  },
};
const leave = async (path, way) => {
  let request;
  const answer = await get(`${stalling}${path}`, {}, (started) => (request = started));
  await leaving[way](answer, request);
};
/** The signal is not of the request, but of what is done with its answer. */
const pipeUntil = async (path) => {
  const signal = AbortSignal.timeout(afterMs);
  await pipeline(await get(`${stalling}${path}`, {}), new Writable({ write() {} }), { signal });
};
/** Sends a part of its body when the server says that it wants it, and waits for an answer. */
const expect = (url) =>
  new Promise((resolve, reject) => {
    const headers = { expect: '100-continue', 'content-length': 10 };
    const request = http.request(url, { method: 'PUT', headers, signal: AbortSignal.timeout(afterMs) });
    request.on('continue', () => request.write('a part'));
    request.on('response', resolve).on('error', reject);
  });
/** Its handshake is never answered. */
const closeWebSocket = (path) =>
  new Promise((_resolve, reject) => {
    const socket = new WebSocket(`${mute}${path}`);
    socket.addEventListener('close', ({ code }) => reject(new Error(`closed ${code}`)));
    setTimeout(() => socket.close(), afterMs);
  });
const destroyWhenAborted = (path) =>
  abortCall((signal) =>
    get(`${silent}${path}`, {}, (request) => signal.addEventListener('abort', () => request.destroy())),
  );
const cancelBody = async (path) => {
  const { body } = await fetch(`${stalling}${path}`);
  await body.cancel('not needed');
};

/** Its time begins with the call. */
const cancelLate = async (path, reason) => {
  let body;
  const over = new Promise((resolve) => setTimeout(() => resolve(body.cancel(reason)), afterMs));
  ({ body } = await fetch(`${stalling}${path}`));
  await over;
};
const pipe = async (path) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort('deadline'), afterMs);
  const { body } = await fetch(`${stalling}${path}`);
  await body.pipeTo(new WritableStream(), { signal: controller.signal });
};
/** What the answer is piped to fails. */
const pipeInVain = async (path) => {
  const { body } = await fetch(`${stalling}${path}`);
  const full = Object.assign(new Error('no room'), { code: 'ENOSPC' });
  await body.pipeTo(new WritableStream({ write: () => Promise.reject(full) })).catch(() => {});
};
const cancelWithError = async (path) => {
  const { body } = await fetch(`${stalling}${path}`);
  await body.cancel(new Error('own'));
};
const destroyClient = async (path) => {
  const client = new undici.Client(stalling);
  const { body } = await client.request({ path: `/${path}`, method: 'GET' });
  const read = body.text();
  await Promise.all([client.destroy('shutdown'), read]);
};

const calls = {
  ...early,
  'pipe-text': pipe,
  'cancel-late': cancelLate,
  'cancel-late-text': (path) => cancelLate(path, 'too slow'),
  'cancel-late-error': (path) => cancelLate(path, new Error('too slow')),
  'client-destroyed': destroyClient,
  'socket-error': (path) => destroySocket(path, new Error('own')),
  'socket-hang-up': (path) => destroySocket(path),
  'answer-error': (path) => dropAnswer(path, new Error('own')),
  'answer-timeout': (path) => destroyAnswer(path, (answer, destroy) => answer.setTimeout(afterMs, destroy)),
  'answer-dropped': (path) => dropAnswer(path),
  'left-iteration': (path) => leave(path, 'iteration'),
  'left-sink': (path) => leave(path, 'sink'),
  'left-request': (path) => leave(path, 'request'),
  'left-pipe': pipeInVain,
  'left-error': cancelWithError,
  garbled: async (path) => (await fetch(`${stalling}${path}`)).text(),
  'pipe-until': pipeUntil,
  expecting: (path) => expect(`${mute}${path}`),
  'expecting-part': (path) => expect(`${silent}${path}`),
  websocket: closeWebSocket,
  'destroy-aborted': destroyWhenAborted,
  'reason-again': (path) => abortCall((signal) => get(`${silent}${path}`, { signal }), used.signal.reason),
  'reason-destroyed': (path) =>
    get(`${silent}${path}`, {}, (request) => setTimeout(() => request.destroy(reasons.error), afterMs)),
  'cancel-text': cancelBody,
  'null-signal': withoutSignal,
  'npm-fetch-queued': inQueue,
  'destroy-null': (path) =>
    get(`${silent}${path}`, {}, (request) => setTimeout(() => request.destroy(null), afterMs)),
  'agent-late': (path) =>
    get(`${silent}${path}`, { agent: refusing(new Error('Proxy connection timed out')) }),
  'agent-no': (path) => get(`${silent}${path}`, { agent: refusing(new Error('Proxy says no')) }),
  'agent-504': (path) =>
    get(`${silent}${path}`, { agent: refusing(new Error('Proxy answered: 504 Gateway Timeout')) }),
  'body-text': (path) => abortBody(`${stalling}${path}`, 'text'),
  'body-null': (path) => abortBody(`${stalling}${path}`, null),
  'body-error': (path) => abortBody(`${stalling}${path}`, new Error('own')),
};

const describe = (error) => {
  try {
    return String(error?.code ?? error);
  } catch {
    return 'unreadable';
  }
};

async function main() {
  const outcomes = {};
  for (const [name, call] of Object.entries(calls)) {
    outcomes[name] = await call(name).then(
      () => 'went well',
      (error) => describe(error),
    );
  }
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
void main();
