/**
 * Makes the calls of its first argument with the HTTP client that each names: a list of lists, those of one list at once,
 * the lists in turn. Prints how each ended for the program, as one line of JSON. Stays until it is killed.
 */
import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { Readable, Writable } from 'node:stream';
import axios from 'axios';
import got from 'got';
import nodeFetch from 'node-fetch';
import superagent from 'superagent';
import * as undici from 'undici';

/** Names of `.test` have these two addresses, for every client. */
const { lookup } = dns;
dns.lookup = (host, options, done) => {
  if (!host.endsWith('.test')) return lookup(host, options, done);
  const addresses = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ];
  setImmediate(() => (options.all ? done(null, addresses) : done(null, '127.0.0.1', 4)));
};

const agents = {
  one: new http.Agent({ keepAlive: true, maxSockets: 1 }),
};
const secureAgents = { kept: new https.Agent({ keepAlive: true }) };
const pools = new Map();
const poolTo = (url, client, connections) => {
  if (!pools.has(client)) pools.set(client, new undici.Pool(new URL(url).origin, { connections }));
  return pools.get(client);
};
const viaProxy = new Map();

const agentOf = ({ url, pool = 'kept' }) => {
  if (url.startsWith('https:')) return secureAgents[pool];
  return (agents[pool] ??= new http.Agent({ keepAlive: true }));
};
const upload = ({ bodyBytes }) => Readable.from([Buffer.alloc(bodyBytes / 2), Buffer.alloc(bodyBytes / 2)]);
/** Stops reading after the first part, in the way that this kind of stream has. */
const stop = (stream) =>
  new Promise((resolve) => {
    stream.once('data', () => stream.destroy()).once('error', () => {});
    stream.once('close', () => resolve('stopped'));
  });

const viaHttp = (call) =>
  new Promise((resolve, reject) => {
    const { url, budgetMs, bodyBytes, read = 'all', signalMs } = call;
    const signal = signalMs && AbortSignal.timeout(signalMs);
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(
      url,
      { agent: agentOf(call), method: bodyBytes ? 'POST' : 'GET', timeout: budgetMs, signal },
      (response) => {
        if (read === 'nothing') return resolve({ status: response.statusCode });
        if (read === 'some')
          return stop(response).then((bytes) => resolve({ status: response.statusCode, bytes }));
        let bytes = 0;
        response.on('data', (chunk) => (bytes += chunk.length)).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, bytes }));
      },
    );
    sent.once('timeout', () => sent.destroy()).once('error', reject);
    if (bodyBytes) upload(call).pipe(sent);
    else sent.end();
  });

const webOptions = ({ bodyBytes, budgetMs }) => ({
  ...(bodyBytes ? { method: 'POST', body: upload({ bodyBytes }), duplex: 'half' } : {}),
  ...(budgetMs ? { signal: AbortSignal.timeout(budgetMs) } : {}),
});
const readWeb = async (response, { read = 'all' }) => {
  const { status, body } = response;
  if (read === 'all') return { status, bytes: (await response.arrayBuffer()).byteLength };
  if (!body.cancel) return { status, bytes: await stop(body) };
  const reader = body.getReader();
  await reader.read();
  await reader.cancel();
  return { status };
};
const dispatcherOf = ({ client, url, proxy, connections }) => {
  if (!proxy) return connections ? poolTo(url, client, connections) : undefined;
  if (!viaProxy.has(proxy)) viaProxy.set(proxy, new undici.ProxyAgent({ uri: proxy }));
  return viaProxy.get(proxy);
};

const clients = {
  http: viaHttp,
  fetch: async (call) =>
    readWeb(await fetch(call.url, { ...webOptions(call), dispatcher: dispatcherOf(call) }), call),
  'npm-fetch': async (call) =>
    readWeb(await undici.fetch(call.url, { ...webOptions(call), dispatcher: dispatcherOf(call) }), call),
  'undici-request': async (call) => {
    const { statusCode, body } = await undici.request(call.url, {
      ...webOptions(call),
      ...(dispatcherOf(call) ? { dispatcher: dispatcherOf(call) } : {}),
    });
    if (call.read === 'some') return { status: statusCode, bytes: await stop(body) };
    return { status: statusCode, bytes: (await body.arrayBuffer()).byteLength };
  },
  'undici-stream': async (call) => {
    let bytes = 0;
    let status;
    const options = { method: 'GET', ...webOptions(call) };
    if (dispatcherOf(call)) options.dispatcher = dispatcherOf(call);
    await undici.stream(call.url, options, ({ statusCode }) => {
      status = statusCode;
      return new Writable({
        write(chunk, _encoding, done) {
          bytes += chunk.length;
          done();
        },
      });
    });
    return { status, bytes };
  },
  axios: async (call) => {
    const { status, data } = await axios({
      url: call.url,
      timeout: call.budgetMs ?? 0,
      httpAgent: agentOf(call),
      httpsAgent: secureAgents.kept,
      proxy: false,
      responseType: call.read === 'some' ? 'stream' : 'arraybuffer',
      ...(call.bodyBytes ? { method: 'POST', data: upload(call) } : {}),
    });
    return { status, bytes: call.read === 'some' ? await stop(data) : data.length };
  },
  'axios-fetch': async (call) => {
    const { status, data } = await axios({
      url: call.url,
      adapter: 'fetch',
      timeout: call.budgetMs ?? 0,
      responseType: 'arraybuffer',
      ...(call.bodyBytes ? { method: 'POST', data: upload(call) } : {}),
    });
    return { status, bytes: data.byteLength };
  },
  got: async (call) => {
    const options = {
      retry: { limit: 0 },
      agent: { http: agentOf(call), https: secureAgents.kept },
      ...(call.budgetMs ? { timeout: { request: call.budgetMs } } : {}),
      ...(call.bodyBytes ? { method: 'POST', body: upload(call) } : {}),
    };
    if (call.read === 'some') return { bytes: await stop(got.stream(call.url, options)) };
    const { statusCode, rawBody } = await got(call.url, options);
    return { status: statusCode, bytes: rawBody.length };
  },
  'node-fetch': async (call) =>
    readWeb(await nodeFetch(call.url, { agent: agentOf(call), ...webOptions(call) }), call),
  superagent: async (call) => {
    const request = call.bodyBytes ? superagent.post(call.url) : superagent.get(call.url);
    request.agent(agentOf(call));
    if (call.budgetMs) request.timeout(call.budgetMs);
    if (call.bodyBytes) request.send(Buffer.alloc(call.bodyBytes));
    const { status, text } = await request;
    return { status, bytes: text.length };
  },
};

const describe = (error) => ({
  error: { name: error.name, code: error.code, cause: error.cause?.code ?? error.cause?.name },
});

const outcomes = {};
for (const list of JSON.parse(process.argv[2])) {
  await Promise.all(
    list.map(async (call) => {
      outcomes[call.name] = await clients[call.client](call).catch(describe);
    }),
  );
}
setInterval(() => {}, 1000);
console.log(JSON.stringify(outcomes));
