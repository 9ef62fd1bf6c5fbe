/** Books parcels. Runs without the hook, as the service of another team might: traces end at its door. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ parcel: Math.floor(Math.random() * 1e9) }));
  });
});

// A short listen queue, so that a stuck process turns new callers away soon, as a busy one does.
server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 1 }, () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
