/** Accepts connections and never says a word: TLS to it stalls. */
'use strict';
const net = require('node:net');

const server = net.createServer((socket) => socket.resume().on('error', () => {}));
server.listen({ port: 0, host: '127.0.0.1', backlog: Number(process.env.BACKLOG ?? 511) }, () =>
  console.log(`listening on port ${server.address().port}`),
);
