/**
 * The program whose cost is measured: an HTTP server that makes one outgoing call for each request, by `http` with a
 * keep-alive agent or by `fetch`. Tells its parent when it listens, and what it has used whenever it is asked.
 */
const firstLineMs = performance.now();
const http = require('node:http');

const [mode, backend] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });

const calls = {
  http: () =>
    new Promise((resolve, reject) => {
      const request = http.get(backend, { agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
    }),
  fetch: async () => (await fetch(backend)).text(),
};

const server = http.createServer(async (request, response) => {
  const text = await calls[mode]();
  response.setHeader('content-type', 'application/json');
  response.end(text);
});

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port, firstLineMs }));
