/**
 * Makes the calls described by its first argument, all at once, and prints how each of them ended as one line of JSON:
 * what the program itself can see, to be compared with and without the hook. Stays until it is ended by a signal: undici
 * goes on for ten seconds to open a connection that nobody waits for.
 */
const dns = require('node:dns');
const http = require('node:http');
const https = require('node:https');

/** Names below `.test` are asked of the DNS server of the call, the way a program with its own resolver does it. */
const resolvers = new Map();
const systemLookup = dns.lookup;
dns.lookup = (host, options, done) => {
  const resolver = resolvers.get(host);
  if (!resolver) return systemLookup(host, options, done);
  resolver.resolve4(host, (error, addresses) => {
    if (error) return done(error);
    const all = addresses.map((address) => ({ address, family: 4 }));
    return options.all ? done(null, all) : done(null, all[0].address, 4);
  });
};

const describe = (error) => ({
  name: error.name,
  code: error.code,
  message: error.message,
  cause: error.cause?.code ?? error.cause?.name,
});

/** A signal that gives up after the budget: timed, a program's own timer, both, or a cancellation without a timer. */
function giveUpSignal({ timer, budgetMs }) {
  if (timer === 'any') return AbortSignal.any([new AbortController().signal, AbortSignal.timeout(budgetMs)]);
  if (timer !== 'controller' && timer !== 'cancel') return AbortSignal.timeout(budgetMs);
  const controller = new AbortController();
  if (timer === 'controller') setTimeout(() => controller.abort(), budgetMs);
  else new Promise((resolve) => setTimeout(resolve, budgetMs)).then(() => controller.abort());
  return controller.signal;
}

const viaHttp = (call) =>
  new Promise((resolve) => {
    const { url, budgetMs, timer, agent } = call;
    const { get } = url.startsWith('https') ? https : http;
    const options = { agent, ...(timer === 'timeout' ? { timeout: budgetMs } : {}) };
    if (timer !== 'timeout' && timer !== 'destroy') options.signal = giveUpSignal(call);
    const request = get(url, options, (response) => {
      let bytes = 0;
      response.on('data', (chunk) => (bytes += chunk.length));
      response.on('error', (error) =>
        resolve({ status: response.statusCode, bytes, error: describe(error) }),
      );
      response.on('end', () => resolve({ status: response.statusCode, bytes }));
    });
    request.on('timeout', () => request.destroy());
    if (timer === 'destroy') setTimeout(() => request.destroy(), budgetMs);
    request.on('error', (error) => resolve({ error: describe(error) }));
  });

const viaFetch = async (call) => {
  try {
    const response = await fetch(call.url, { signal: giveUpSignal(call) });
    return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
  } catch (error) {
    return { error: describe(error) };
  }
};

async function main() {
  const calls = JSON.parse(process.argv[2]);
  const pool = new http.Agent({ maxSockets: 1, keepAlive: true });
  const outcomes = await Promise.all(
    calls.map(async (call) => {
      if (call.dnsPort) {
        const resolver = new dns.Resolver({ timeout: 10_000, tries: 1 });
        resolver.setServers([`127.0.0.1:${call.dnsPort}`]);
        resolvers.set(new URL(call.url).hostname, resolver);
      }
      const outcome = await (call.client === 'fetch'
        ? viaFetch(call)
        : viaHttp({ ...call, agent: call.pool ? pool : undefined }));
      return [call.name, outcome];
    }),
  );
  pool.destroy();
  console.log(JSON.stringify(Object.fromEntries(outcomes)));
}

setInterval(() => {}, 1000);
main();
