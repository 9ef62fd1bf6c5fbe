/** Listens with the smallest backlog and prints its port. Stopped, its kernel queue fills, and further SYNs go unanswered. */
const net = require('node:net');
const server = net.createServer(() => {});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(`port ${server.address().port}`));
