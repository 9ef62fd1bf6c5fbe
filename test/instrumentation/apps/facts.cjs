/**
 * Prints, one a line, what a program can notice of the functions that the hook replaces and the requests it watches: to be
 * compared with and without the hook.
 */
const http = require('node:http');
const net = require('node:net');

const print = (...facts) => console.log(JSON.stringify(facts));

function shapes() {
  for (const [owner, name] of [
    [globalThis, 'fetch'],
    [AbortSignal, 'timeout'],
    [AbortController.prototype, 'abort'],
  ]) {
    const { enumerable, writable, configurable, value } = Object.getOwnPropertyDescriptor(owner, name);
    print(name, enumerable, writable, configurable, value.name, value.length);
  }
  print(
    'connect',
    net.Socket.prototype.connect.length,
    Object.keys(net.Socket.prototype).includes('connect'),
  );
  const { dispatchEvent } = AbortSignal.prototype;
  const names = [];
  for (const name in AbortSignal.abort()) names.push(name);
  print('signal', dispatchEvent.name, dispatchEvent.length, names.toSorted());
  print('destroy', http.ClientRequest.prototype.destroy.length, http.ClientRequest.prototype.destroy.name);
}

async function misuse() {
  const attempts = {
    'timeout of less than nothing': () => AbortSignal.timeout(-1),
    'timeout of nothing': () => AbortSignal.timeout(),
    'abort of no controller': () => AbortController.prototype.abort.call({}),
    'abort of nothing': () => AbortController.prototype.abort.call(undefined),
    'connect to nowhere': () => new net.Socket().connect({}),
    'connect without arguments': () => new net.Socket().connect(),
    'get of no URL': () => http.get('http://x y'),
    'fetch of nothing': () => fetch(),
    'fetch of no URL': () => fetch('nope'),
    'fetch aborted before': () => fetch('http://127.0.0.1:2/', { signal: AbortSignal.abort('why') }),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      print(name, 'went well');
    } catch (error) {
      print(name, error?.name, error?.code, error?.message ?? error, error?.cause?.code);
    }
  }
}

function reasons() {
  const plain = new AbortController();
  plain.abort();
  const { name, message, code } = plain.signal.reason;
  print('reason', name, message, code);
  const given = new AbortController();
  given.abort('first');
  given.abort('second');
  print('reason', given.signal.reason);
}

/** The names of the headers a server got, without those of the trace context. */
const headerNames = (request) =>
  request.rawHeaders
    .filter((each, index) => index % 2 === 0 && !/^(traceparent|tracestate|baggage)$/.test(each))
    .join();

async function requests() {
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => response.end(headerNames(request)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();

  await new Promise((resolve) => {
    const headers = { expect: '100-continue', 'content-length': 3 };
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', headers }, (response) => {
      response.setEncoding('utf8').on('data', (text) => print('expect', response.statusCode, text));
      response.once('end', resolve);
    });
    request.once('continue', () => request.end('abc'));
    request.flushHeaders();
  });

  await new Promise((resolve) => {
    const request = http.request({ port, host: '127.0.0.1' });
    print(
      'listeners',
      ...['error', 'response', 'timeout', 'upgrade'].map((event) => request.listenerCount(event)),
    );
    request.once('error', ({ code, message }) => resolve(print('destroyed', code, message)));
    request.destroy();
  });

  const body = new Blob(['abc']).stream();
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, duplex: 'half' });
  print('stream', answer.status, await answer.text());
  print('data', await (await fetch('data:text/plain,hi')).text());
  server.close();
  server.closeAllConnections();
}

shapes();
reasons();
misuse().then(requests);
