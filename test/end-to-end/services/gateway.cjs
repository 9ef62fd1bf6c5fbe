/** The first service of the chain: passes every request on to checkout and its status back. */
'use strict';
const http = require('node:http');

const server = http.createServer((incoming, response) => {
  const call = http.get(`http://127.0.0.1:${process.env.CHECKOUT_PORT}${incoming.url}`, (answer) => {
    response.statusCode = answer.statusCode;
    answer.pipe(response);
  });
  call.on('error', () => {
    response.statusCode = 502;
    response.end();
  });
});

server.listen(0, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
