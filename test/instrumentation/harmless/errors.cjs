/** The errors that a program gets of its calls: names, codes, messages, own keys, and the functions on top of their stacks. */
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');
const { describeError, get, print, withServer } = require('./observe.cjs');

const closedPort = 2;
const notFound = (_host, _options, done) =>
  done(
    Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.test'), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
    }),
  );
const twoAddresses = (_host, _options, done) =>
  done(null, [
    { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.3', family: 4 },
  ]);

const failing = (port) => ({
  'http refused': () => get({ host: '127.0.0.1', port: closedPort }),
  'http refused by every address': () => get({ host: 'two.test', port: closedPort, lookup: twoAddresses }),
  'http of an unknown name': () => get({ host: 'nowhere.test', lookup: notFound }),
  'http cut before an answer': () => get({ host: '127.0.0.1', port, path: '/no-answer' }),
  'http cut within an answer': () => get({ host: '127.0.0.1', port, path: '/cut' }),
  'http timed out': () =>
    new Promise((_resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, path: '/hang', timeout: 30 });
      request.once('timeout', () => request.destroy(new Error('took too long'))).once('error', reject);
    }),
  'http aborted by a signal': () =>
    get({ host: '127.0.0.1', port, path: '/hang', signal: AbortSignal.timeout(300) }),
  'http aborted before': () =>
    get({ host: '127.0.0.1', port, signal: AbortSignal.abort(new Error('never mind')) }),
  'http with a bad header': () => get({ host: '127.0.0.1', port, headers: { 'x y': 1 } }),
  'http with a bad port': () => get({ host: '127.0.0.1', port: 70_000 }),
  'https of a server without': () =>
    new Promise((_resolve, reject) => https.get({ host: '127.0.0.1', port }).once('error', reject)),
  'fetch refused': () => fetch(`http://127.0.0.1:${port === closedPort ? 1 : 9}/`),
  'fetch cut': () => fetch(`http://127.0.0.1:${port}/no-answer`),
  'fetch cut within an answer': async () => (await fetch(`http://127.0.0.1:${port}/cut`)).text(),
  'fetch timed out': () => fetch(`http://127.0.0.1:${port}/hang`, { signal: AbortSignal.timeout(300) }),
  'fetch aborted': () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('changed my mind')), 30);
    return fetch(`http://127.0.0.1:${port}/hang`, { signal: controller.signal });
  },
  'fetch of a bad scheme': () => fetch('gopher://127.0.0.1/'),
  'fetch of a bad method': () => fetch(`http://127.0.0.1:${port}/`, { method: 'CONNECT' }),
  'net refused': () =>
    new Promise((_resolve, reject) => net.connect(closedPort, '127.0.0.1').once('error', reject)),
  'net to a path that is not there': () =>
    new Promise((_resolve, reject) => net.connect('/nowhere/socket').once('error', reject)),
  'net with a bad port': () => net.connect({ port: -1 }),
  'net connected twice': () =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        try {
          socket.connect(port, '127.0.0.1');
        } catch (error) {
          reject(error);
        }
        socket.destroy();
        resolve('connected');
      });
    }),
  'tls of a server without': () =>
    new Promise((_resolve, reject) => tls.connect(port, '127.0.0.1').once('error', reject)),
});

async function main() {
  const server = http.createServer((request, response) => {
    if (request.url === '/no-answer') return void request.socket.destroy();
    if (request.url === '/hang') return;
    response.writeHead(200, { 'content-length': 100 });
    response.write('a part', () => response.destroy());
  });
  await withServer(server, async (port) => {
    for (const [name, fail] of Object.entries(failing(port))) {
      try {
        print(name, 'went well', await fail());
      } catch (error) {
        print(name, describeError(error));
      }
    }
  });
}

main();
