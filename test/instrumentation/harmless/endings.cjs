/** How a program ends in the way that its argument names, after a call: what its handlers hear of it, and how often. */
const http = require('node:http');
const { print, withServer } = require('./observe.cjs');

const way = process.argv[2];

for (const event of ['beforeExit', 'exit']) process.on(event, (code) => print(event, code, process.exitCode));
if (way.includes('caught')) {
  process.on('uncaughtException', ({ message }, origin) => {
    print('uncaughtException', message, origin);
    process.exitCode = 9;
  });
  process.on('unhandledRejection', ({ message }) => print('unhandledRejection', message));
  process.on('rejectionHandled', () => print('rejectionHandled'));
}

let again = 0;
const ways = {
  return: () => {},
  'exit code': () => (process.exitCode = 3),
  exit: () => process.exit(5),
  'exit within exit': () => process.on('exit', () => process.exit(6)),
  abort: () => process.abort(),
  throw: () => {
    throw new Error('a fault');
  },
  'throw later': () =>
    setTimeout(() => {
      throw new Error('a later fault');
    }, 10),
  'throw something': () => {
    throw { not: 'an error' };
  },
  reject: () => Promise.reject(new Error('a rejection')),
  'caught throw': () => {
    throw new Error('a caught fault');
  },
  'caught rejection': () => {
    const rejected = Promise.reject(new Error('a caught rejection'));
    setTimeout(() => rejected.catch(() => {}), 20);
  },
  'new work at the end': () =>
    process.on('beforeExit', () => {
      again += 1;
      if (again <= 2) setTimeout(() => print('again', again), 5);
    }),
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
  SIGINT: () => process.kill(process.pid, 'SIGINT'),
  SIGHUP: () => process.kill(process.pid, 'SIGHUP'),
  'handled SIGTERM': () => {
    process.once('SIGTERM', (signal, number) => print('heard', signal, number));
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => {}, 50);
  },
  'handled twice': () => {
    process.once('SIGTERM', () => {
      print('heard once');
      process.kill(process.pid, 'SIGTERM');
    });
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => print('not reached'), 5000);
  },
  'exits when told': () => {
    process.on('SIGINT', () => process.exit(130));
    process.kill(process.pid, 'SIGINT');
    setTimeout(() => print('not reached'), 5000);
  },
};

const server = http.createServer((_request, response) => response.end('answer'));
withServer(server, async (port) => {
  await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text());
}).then(() => setImmediate(ways[way]));
