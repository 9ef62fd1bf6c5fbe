/**
 * A service that goes on whatever becomes of the collector. `/call/…` calls that path at the URL of its first argument; `/grow/N`
 * makes N spans of its own and says by how many MiB the heap has grown when they are made.
 */
const http = require('node:http');
const { trace } = require('@opentelemetry/api');

const heapMiB = () => {
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

async function grow(count) {
  const tracer = trace.getTracer('load');
  const before = heapMiB();
  for (let made = 1; made <= count; made += 1) {
    const attributes = { 'http.request.method': 'GET', 'url.full': `http://a.test/${made}`, made };
    tracer.startSpan(`GET /${made % 100}`, { kind: 2, attributes }).end();
    // The exporter gets its turns.
    if (made % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return heapMiB() - before;
}

const call = (path) =>
  new Promise((resolve, reject) => {
    http
      .get(process.argv[2] + path, (response) => response.resume().once('end', () => resolve('called')))
      .once('error', reject);
  });

const server = http.createServer(async ({ url }, response) => {
  const [, what, rest] = /^\/(call|grow)\/(.*)$/.exec(url);
  response.end(String(what === 'call' ? await call(`/${rest}`) : await grow(Number(rest))));
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
