/**
 * Calls over HTTP/2 with TLS, to the URL of its first argument: by undici, and one by a session that is not connected yet. Prints how
 * each ended, as one line of JSON, and ends.
 */
const { once } = require('node:events');
const http2 = require('node:http2');
const undici = require('undici');

const url = process.argv[2];
const connect = { rejectUnauthorized: false };

const sink = () =>
  new WritableStream({
    write() {
      throw new Error('no room');
    },
  });

const calls = {
  well: async (response) => (await response).text(),
  'given-up': async (response) => (await response).text(),
  piped: async (response) => (await response).body.pipeTo(sink()),
  reset: async (response) => (await response).text(),
  garbled: async (response) => (await response).text(),
};

async function main() {
  const outcomes = {};
  for (const [name, read] of Object.entries(calls)) {
    const dispatcher = new undici.Agent({ allowH2: true, connect });
    const signal = name === 'given-up' ? AbortSignal.timeout(200) : undefined;
    outcomes[name] = await read(undici.fetch(`${url}/${name}`, { dispatcher, signal })).catch(
      ({ name, message, cause }) => cause?.code ?? `${name}: ${message}`,
    );
    await dispatcher.destroy();
  }
  const session = http2.connect(url, connect);
  session.on('stream', (pushed) => pushed.resume());
  const stream = session.request({ ':path': '/first' }).resume();
  await once(stream, 'close');
  session.close();
  console.log(JSON.stringify(outcomes));
}

void main();
