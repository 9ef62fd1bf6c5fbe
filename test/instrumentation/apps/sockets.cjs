/**
 * Opens connections without a request, the way drivers do, one after the other, and prints how each came out: plain TCP, TLS,
 * TLS that begins on a connection in use, one that is refused, one to a name with two addresses, and one whose handshake stalls. Stays until it is killed.
 */
const net = require('node:net');
const tls = require('node:tls');

const [secure, plain, silent, closed] = process.argv.slice(2).map(Number);
const host = 'localhost';

const opened = (socket, event) =>
  new Promise((resolve) => {
    socket.once(event, () => resolve(event));
    socket.once('error', (error) => resolve(error.code ?? error.message));
  });

/** Asks for TLS in the clear and goes on in it, as PostgreSQL's and MySQL's drivers do. */
async function upgraded(port, limitMs) {
  const below = net.connect({ port, host });
  await opened(below, 'connect');
  const above = tls.connect({ socket: below, servername: 'localhost', rejectUnauthorized: false });
  if (limitMs) setTimeout(() => above.destroy(new Error('gave up')), limitMs);
  return opened(above, 'secureConnect');
}

const bothFamilies = (_host, _options, done) =>
  done(null, [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]);

async function main() {
  const outcomes = [
    await opened(net.connect({ port: plain, host }), 'connect'),
    await opened(tls.connect({ port: secure, host, rejectUnauthorized: false }), 'secureConnect'),
    await upgraded(secure),
    await opened(net.connect({ port: closed, host: '127.0.0.1' }), 'connect'),
    await opened(net.connect({ port: plain, host: 'two.test', lookup: bothFamilies }), 'connect'),
    await upgraded(silent, 700),
  ];
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
main();
