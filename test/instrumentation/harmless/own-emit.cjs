/** A program that replaces `emit` of Node's classes itself, before there is a message, still sees every event. */
const http = require('node:http');
const { get, print, withServer } = require('./observe.cjs');

const seen = { ClientRequest: new Set(), IncomingMessage: new Set(), ServerResponse: new Set() };
for (const [name, events] of Object.entries(seen)) {
  const { prototype } = http[name];
  const { emit } = prototype;
  prototype.emit = function (...args) {
    events.add(args[0]);
    return emit.apply(this, args);
  };
}

const server = http.createServer((request, response) => response.end('answer'));
withServer(server, async (port) => {
  await get({ host: '127.0.0.1', port });
  for (const [name, events] of Object.entries(seen)) print(name, [...events].toSorted());
});
