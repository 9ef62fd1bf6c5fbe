/** The last service of the chain: answers well, late, half, or not at all, as its path says. */
'use strict';
const http = require('node:http');

const lateMs = 2000;

const server = http.createServer((request, response) => {
  request.resume();
  if (request.url === '/never') return;
  if (request.url === '/late') {
    setTimeout(() => response.end('late'), lateMs);
    return;
  }
  if (request.url === '/half') {
    response.setHeader('content-length', '2000');
    response.write('x'.repeat(1000));
    return;
  }
  response.end('paid');
});

server.listen(0, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
