/**
 * Calls an HTTPS server by proxies that open no tunnel: nobody there, one that refuses, one that says nothing. Arguments: their
 * ports, by name, as JSON. Prints how each call ended, as one line of JSON. Stays until it is killed.
 */
const https = require('node:https');
const axios = require('axios');
const undici = require('undici');

const ports = JSON.parse(process.argv[2]);
const target = 'https://127.0.0.1:4';
const limitMs = 600;

const clients = {
  // As Node does it with NODE_USE_ENV_PROXY.
  http: (url, proxy) =>
    new Promise((resolve, reject) => {
      const agent = new https.Agent({ proxyEnv: { HTTPS_PROXY: `http://user:s3cr3t@127.0.0.1:${proxy}` } });
      https.get(url, { agent, timeout: limitMs }, resolve).once('error', reject);
    }),
  // By an agent that tells the request itself that it failed.
  axios: (url, port) =>
    axios.get(url, {
      proxy: { host: '127.0.0.1', port, protocol: 'http' },
      signal: AbortSignal.timeout(limitMs),
    }),
  undici: (url, proxy) => {
    const dispatcher = new undici.ProxyAgent(`http://127.0.0.1:${proxy}`);
    return undici.request(url, { dispatcher, signal: AbortSignal.timeout(limitMs) });
  },
};

async function main() {
  const outcomes = {};
  for (const [name, port] of Object.entries(ports)) {
    for (const [client, call] of Object.entries(clients)) {
      // The others say nothing to their caller of a proxy that says nothing.
      if (name === 'mute' && client !== 'http') continue;
      outcomes[`${name}-${client}`] = await call(`${target}/${name}-${client}`, port).then(
        ({ status }) => status ?? 'went well',
        ({ code }) => code,
      );
    }
  }
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
main();
