/**
 * A WebSocket server that echoes, refuses `/private`, and destroys `/gone` unanswered, leaves `/silent` so; it also answers CONNECT. With a URL
 * as its argument it calls that server instead, with the `ws` package and with the global WebSocket. Stays until killed.
 */
const http = require('node:http');
const { WebSocket: Ws, WebSocketServer } = require('ws');

function serve() {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(String(message))));
  const server = http.createServer((_request, response) => response.end('plain'));
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => {});
    if (request.url === '/silent') return;
    if (request.url === '/gone') return socket.destroy();
    // A handler that asks somebody first: what it calls is part of the upgrade.
    if (request.url.startsWith('/asks')) await fetch(`http://127.0.0.1:${server.address().port}/asked`);
    if (request.url === '/private')
      return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
}

/** Sends a word, gets it back, and says so. */
const talk = (socket) =>
  new Promise((resolve) => {
    socket.addEventListener('open', () => socket.send('echo'));
    socket.addEventListener('message', ({ data }) => resolve(String(data)));
    socket.addEventListener('error', ({ message }) => resolve(String(message)));
  });

async function call(url) {
  const lines = [];
  const kept = [];
  for (const Kind of [Ws, WebSocket]) {
    kept.push(new Kind(`${url}/asks-${Kind === Ws ? 'ws' : 'global'}`));
    lines.push(await talk(kept.at(-1)));
  }
  lines.push(await talk(new Ws(`${url}/private`)));
  const silent = new WebSocket(`${url}/silent`);
  setTimeout(() => silent.close(), 200);
  lines.push(await talk(silent));
  console.log(JSON.stringify(lines));
}

setInterval(() => {}, 1000);
if (process.argv[2]) call(process.argv[2]);
else serve();
