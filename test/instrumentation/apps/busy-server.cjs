/**
 * Answers at a port of its own with the smallest backlog, at the address of its first argument. Told to by SIGUSR2, it is busy
 * for as many milliseconds as its second argument says: its event loop accepts nothing.
 */
const http = require('node:http');

const [address, busyMs] = process.argv.slice(2);

const server = http.createServer((request, response) => response.end('answer'));
server.listen({ port: 0, host: address, backlog: 1 }, () => console.log(`port ${server.address().port}`));
process.on('SIGUSR2', () => {
  process.stdout.write('busy\n');
  for (const end = performance.now() + Number(busyMs); performance.now() < end;);
});
