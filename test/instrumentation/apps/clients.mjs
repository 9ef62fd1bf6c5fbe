/**
 * Makes the calls of its first argument with the HTTP client that each names: a list of lists, those of one list at once,
 * the lists in turn. Prints how each ended for the program, as one line of JSON. Stays until it is killed.
 */
import http from 'node:http';
import https from 'node:https';
import { Readable, Writable } from 'node:stream';
import axios from 'axios';
import got from 'got';
import nodeFetch from 'node-fetch';
import superagent from 'superagent';
import * as undici from 'undici';

const agents = {
  kept: new http.Agent({ keepAlive: true }),
  one: new http.Agent({ keepAlive: true, maxSockets: 1 }),
};
const secureAgents = { kept: new https.Agent({ keepAlive: true }) };
const pools = new Map();
const poolTo = (url, client, connections) => {
  if (!pools.has(client)) pools.set(client, new undici.Pool(new URL(url).origin, { connections }));
  return pools.get(client);
};
const viaProxy = new Map();

const agentOf = ({ url, pool = 'kept' }) => (url.startsWith('https:') ? secureAgents : agents)[pool];
const upload = ({ bodyBytes }) => Readable.from([Buffer.alloc(bodyBytes / 2), Buffer.alloc(bodyBytes / 2)]);

const viaHttp = (call) =>
  new Promise((resolve, reject) => {
    const { url, budgetMs, bodyBytes, addresses, read = 'all', signalMs } = call;
    const lookup = addresses && ((_host, _options, done) => done(null, addresses));
    const signal = signalMs && AbortSignal.timeout(signalMs);
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(
      url,
      { agent: agentOf(call), method: bodyBytes ? 'POST' : 'GET', timeout: budgetMs, lookup, signal },
      (response) => {
        if (read === 'nothing') return resolve({ status: response.statusCode });
        if (read === 'some') {
          response.once('data', () => response.destroy());
          response.once('close', () => resolve({ status: response.statusCode }));
          return;
        }
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
  if (read === 'some') await response.body.cancel?.();
  return {
    status: response.status,
    ...(read === 'all' ? { bytes: (await response.arrayBuffer()).byteLength } : {}),
  };
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
    return { status: statusCode, bytes: (await body.arrayBuffer()).byteLength };
  },
  'undici-stream': async (call) => {
    let bytes = 0;
    let status;
    await undici.stream(call.url, { method: 'GET', ...webOptions(call) }, ({ statusCode }) => {
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
      responseType: 'arraybuffer',
      ...(call.bodyBytes ? { method: 'POST', data: upload(call) } : {}),
    });
    return { status, bytes: data.length };
  },
  got: async (call) => {
    const { statusCode, rawBody } = await got(call.url, {
      retry: { limit: 0 },
      agent: { http: agentOf(call), https: secureAgents.kept },
      ...(call.budgetMs ? { timeout: { request: call.budgetMs } } : {}),
      ...(call.bodyBytes ? { method: 'POST', body: upload(call) } : {}),
    });
    return { status: statusCode, bytes: rawBody.length };
  },
  'node-fetch': async (call) =>
    readWeb(await nodeFetch(call.url, { agent: agentOf(call), ...webOptions(call) }), call),
  superagent: async (call) => {
    const request = call.bodyBytes ? superagent.post(call.url) : superagent.get(call.url);
    request.agent(agentOf(call));
    if (call.budgetMs) request.timeout({ response: call.budgetMs });
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
