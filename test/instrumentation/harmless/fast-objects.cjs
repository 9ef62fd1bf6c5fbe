/** Whether V8 keeps the properties of sockets and messages in their fast form: in the other, every use of one is a search. */
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { once } = require('node:events');
const { subscribe } = require('node:diagnostics_channel');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { print } = require('./observe.cjs');

setFlagsFromString('--allow-natives-syntax');
const isFast = new Function('object', 'return %HasFastProperties(object)');
const pem = (name) => readFileSync(join(__dirname, '../tls', name));

/** Each twice on a kept connection. */
async function messages(what, module, server, options = {}) {
  const served = [];
  server.on('request', (request, response) => {
    served.push(['served', isFast(request), isFast(response), isFast(request.socket)]);
    response.end('answer');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const agent = new module.Agent({ keepAlive: true, ...options });
  for (let count = 0; count < 2; count++) {
    const request = module.get({ host: '127.0.0.1', port: server.address().port, agent });
    const [response] = await once(request, 'response');
    const { socket } = request;
    await once(response.resume(), 'end');
    print(what, 'called', isFast(request), isFast(response), isFast(socket));
  }
  for (const each of served) print(what, ...each);
  agent.destroy();
  server.close();
}

async function fetched() {
  const sockets = [];
  subscribe('undici:client:connected', ({ socket }) => sockets.push(socket));
  const server = http.createServer((request, response) => response.end('answer'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await (await fetch(`http://127.0.0.1:${server.address().port}`)).text();
  print('fetch', ...sockets.map(isFast));
  server.closeAllConnections();
  server.close();
}

async function connected() {
  const server = net.createServer((socket) => socket.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = net.connect(server.address().port, '127.0.0.1').resume();
  await once(socket, 'connect');
  print('connected', isFast(socket));
  await once(socket, 'close');
  server.close();
}

async function upgraded() {
  const server = http.createServer().on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    print('upgraded', 'served', isFast(request), isFast(socket));
    socket.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const headers = { connection: 'upgrade', upgrade: 'echo' };
  const request = http.get({ host: '127.0.0.1', port: server.address().port, headers });
  const [response, socket] = await once(request, 'upgrade');
  print('upgraded', 'called', isFast(request), isFast(response), isFast(socket));
  await once(socket.resume(), 'close');
  server.close();
}

void (async () => {
  await messages('http', http, http.createServer());
  const keys = { key: pem('key.pem'), cert: pem('certificate.pem') };
  await messages('https', https, https.createServer(keys), { rejectUnauthorized: false });
  await fetched();
  await connected();
  await upgraded();
})();
