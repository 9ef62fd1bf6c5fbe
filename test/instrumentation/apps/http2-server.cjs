/** An HTTP/2 server without TLS, one of the core API and one that `http` programs know, and a gRPC server; prints their ports. */
const http2 = require('node:http2');
const http = require('node:http');
const grpc = require('@grpc/grpc-js');

const core = http2.createServer();
core.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (path.startsWith('/hang')) return;
  if (path.startsWith('/broken')) return stream.respond({ ':status': 503 }, { endStream: true });
  if (path.startsWith('/events')) stream.respond({ 'content-type': 'text/event-stream' });
  let bytes = 0;
  stream.on('data', (chunk) => (bytes += chunk.length));
  stream.on('end', () => stream.end(JSON.stringify({ bytes, traceparent: headers.traceparent })));
});

/** Calls out from the body's end: the call belongs to the request it is made for. */
const compatible = http2.createServer((request, response) => {
  request.resume().on('end', () => {
    const to = request.url.slice(1);
    if (!to) return response.end('nothing to do');
    http.get(decodeURIComponent(to), (answer) => answer.resume().on('end', () => response.end('done')));
  });
});

/** Answers one stream at a time. */
const narrow = http2.createServer({ settings: { maxConcurrentStreams: 1 } });
narrow.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'].startsWith('/hang')) return;
  setTimeout(() => stream.end('answer'), headers[':path'].startsWith('/late') ? 400 : 0);
});

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/shop.Cart/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const rpc = new grpc.Server();
rpc.addService(
  {
    Get: method('Get', false, false),
    Hang: method('Hang', false, false),
    Silent: method('Silent', false, false),
    Fail: method('Fail', false, false),
    Watch: method('Watch', false, true),
    Chat: method('Chat', true, true),
  },
  {
    Get: (call, done) => done(null, Buffer.from(String(call.metadata.get('traceparent')))),
    Hang: () => {},
    Silent: () => {},
    Fail: (_call, done) => done({ code: grpc.status.INTERNAL, details: 'no cart today' }),
    Watch: (call) => {
      for (const text of ['a', 'b', 'c']) call.write(Buffer.from(text));
      call.end();
    },
    Chat: (call) => {
      call.on('data', (chunk) => call.write(chunk));
      call.on('end', () => call.end());
    },
  },
);

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
Promise.all([core, compatible, narrow].map(listen)).then(() =>
  rpc.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => {
    const ports = [core, compatible, narrow].map((server) => server.address().port);
    console.log(`ports ${[...ports, port].join(' ')}`);
  }),
);
