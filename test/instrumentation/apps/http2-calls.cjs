/**
 * Makes the calls of its first argument, a list of lists: those of one list at once, the lists in turn; then prints, as one
 * line of JSON, how each ended for the program. Sessions and channels are kept for later calls. Stays until it is killed.
 */
const dns = require('node:dns');
const http2 = require('node:http2');
const grpc = require('@grpc/grpc-js');

/** `two.test` has two addresses, at the first of which nobody listens. */
const addresses = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];
const lookup = (_name, _options, done) => process.nextTick(done, null, addresses);
const { promises: resolver } = dns;
const { lookup: usualLookup } = resolver;
resolver.lookup = (name, options) =>
  name === 'two.test' ? Promise.resolve(addresses) : usualLookup(name, options);

const sessions = new Map();
function sessionTo(url) {
  const { origin } = new URL(url);
  let session = sessions.get(origin);
  if (!session || session.closed || session.destroyed) {
    const ofName = origin.includes('two.test') ? { lookup, autoSelectFamily: true } : {};
    session = http2.connect(origin, { rejectUnauthorized: false, ...ofName });
    session.on('error', () => {});
    sessions.set(origin, session);
  }
  return session;
}

const describe = (error) => ({ name: error.name, code: error.code, message: error.message });

const viaHttp2 = ({ url, budgetMs, timer, bodyBytes, headersAsList }) =>
  new Promise((resolve) => {
    const { pathname } = new URL(url);
    const headers = { ':path': pathname, ':method': bodyBytes ? 'POST' : 'GET' };
    const options = timer === 'signal' ? { signal: AbortSignal.timeout(budgetMs) } : {};
    const stream = sessionTo(url).request(headersAsList ? Object.entries(headers).flat() : headers, options);
    let status;
    let text = '';
    if (timer === 'idle') stream.setTimeout(budgetMs, () => stream.close(http2.constants.NGHTTP2_CANCEL));
    if (timer === 'close') setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), budgetMs);
    stream.on('response', (received) => (status = received[':status']));
    stream.on('data', (chunk) => (text += chunk));
    stream.on('error', (error) => resolve({ error: describe(error) }));
    stream.on('close', () => resolve({ status, text, rstCode: stream.rstCode }));
    if (bodyBytes) stream.end(Buffer.alloc(bodyBytes));
  });

const clients = new Map();
function clientTo(target, isSecure) {
  const key = `${target} ${isSecure}`;
  const credentials = isSecure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
  if (!clients.has(key)) clients.set(key, new grpc.Client(target, credentials));
  return clients.get(key);
}

const same = (bytes) => bytes;

const viaGrpc = ({ target, path, kind = 'unary', budgetMs, cancelMs, isSecure }) =>
  new Promise((resolve) => {
    const client = clientTo(target, isSecure);
    const options = budgetMs ? { deadline: Date.now() + budgetMs } : {};
    const metadata = new grpc.Metadata();
    const message = Buffer.from('hello');
    let text = '';
    let call;
    if (kind === 'unary') {
      call = client.makeUnaryRequest(path, same, same, message, metadata, options, (error, answer) =>
        resolve(error ? { code: error.code } : { text: String(answer) }),
      );
    } else {
      call =
        kind === 'server'
          ? client.makeServerStreamRequest(path, same, same, message, metadata, options)
          : client.makeBidiStreamRequest(path, same, same, metadata, options);
      call.on('data', (chunk) => (text += chunk));
      call.on('error', (error) => resolve({ code: error.code, text }));
      call.on('end', () => resolve({ text }));
      if (kind === 'bidi') {
        call.write(message);
        call.end();
      }
    }
    if (cancelMs) setTimeout(() => call.cancel(), cancelMs);
  });

async function main() {
  const outcomes = {};
  for (const list of JSON.parse(process.argv[2])) {
    await Promise.all(
      list.map(async (call) => {
        outcomes[call.name] = await (call.path ? viaGrpc(call) : viaHttp2(call));
      }),
    );
  }
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
main();
