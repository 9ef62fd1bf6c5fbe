/**
 * Loads `http` in the way that its first argument names, and upgrades a connection to itself at the path of the second; says who
 * listens to its socket.
 */
import { createRequire } from 'node:module';

const [form, path] = process.argv.slice(2);
const forms = {
  require: () => createRequire(import.meta.url)('http'),
  'require node:': () => createRequire(import.meta.url)('node:http'),
  import: () => import('http'),
  'import node:': () => import('node:http'),
  getBuiltinModule: () => process.getBuiltinModule('http'),
};

const http = await forms[form]();
const server = http.createServer().listen(0, '127.0.0.1', () => {
  const headers = { connection: 'upgrade', upgrade: 'test' };
  http.get({ port: server.address().port, path, headers }).once('upgrade', (answer, socket) => {
    socket.destroy();
    server.close();
    console.log(`upgraded ${answer.statusCode}`);
  });
});
server.on('upgrade', (request, socket) => {
  console.log(
    socket
      .eventNames()
      .map((name) => `${String(name)} ${socket.listenerCount(name)}`)
      .join(),
  );
  socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n');
});
