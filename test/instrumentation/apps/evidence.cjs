/**
 * Makes the calls of its first argument, a list of lists: those of one list at once, the lists in turn. Prints after each
 * list whether the library that reads the kernel has been loaded. Connections are kept for later calls.
 */
const { readFileSync } = require('node:fs');
const http = require('node:http');

const agent = new http.Agent({ keepAlive: true });
const isLoaded = () => readFileSync('/proc/self/maps', 'utf8').includes('koffi.node');

const viaHttp = ({ url, budgetMs, bodyBytes, addresses }) =>
  new Promise((resolve) => {
    const lookup = addresses && ((_host, _options, done) => done(null, addresses));
    const method = bodyBytes ? 'POST' : 'GET';
    const request = http.request(url, { agent, method, timeout: budgetMs, lookup }, (response) => {
      response.resume().once('end', resolve);
      response.once('error', resolve);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', resolve);
    request.end(bodyBytes && Buffer.alloc(bodyBytes));
  });

const viaFetch = ({ url, budgetMs }) =>
  fetch(url, { signal: AbortSignal.timeout(budgetMs) })
    .then((response) => response.text())
    .catch(() => {});

async function main() {
  for (const list of JSON.parse(process.argv[2])) {
    await Promise.all(list.map((call) => (call.client === 'fetch' ? viaFetch(call) : viaHttp(call))));
    console.log(process.argv[3] === 'blind' ? 'done' : `loaded ${isLoaded()}`);
  }
  console.log('end');
}

setInterval(() => {}, 1000);
main();
