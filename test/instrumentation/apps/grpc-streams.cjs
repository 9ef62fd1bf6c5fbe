/** Serves streams of gRPC and calls them with deadlines; prints, as one line of JSON, how each ended. Stays until it is killed. */
const grpc = require('@grpc/grpc-js');

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/shop.Feed/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const server = new grpc.Server();
server.addService(
  {
    Stalls: method('Stalls', false, true),
    Mute: method('Mute', false, true),
    Upload: method('Upload', true, false),
    Chat: method('Chat', true, true),
    Whole: method('Whole', true, false),
  },
  {
    // Its headers and one message come, and no end.
    Stalls: (call) => call.write(Buffer.from('one')),
    Mute: () => {},
    // All is taken, and not answered.
    Upload: (call) => call.resume(),
    Chat: (call) => call.on('data', (chunk) => call.write(chunk)),
    Whole: (call, done) => call.resume().on('end', () => done(null, Buffer.from('taken'))),
  },
);

const budgetMs = Number(process.argv[2]);

function made(client, name) {
  const { path } = method(name);
  const metadata = new grpc.Metadata();
  const options = { deadline: Date.now() + (name === 'Whole' ? 30_000 : budgetMs) };
  const message = Buffer.from('hello');
  return new Promise((resolve) => {
    const done = (error, answer) => resolve(error ? { code: error.code } : { text: String(answer) });
    if (name === 'Upload' || name === 'Whole') {
      const call = client.makeClientStreamRequest(path, same, same, metadata, options, done);
      for (let count = 0; count < 3; count++) call.write(message);
      return call.end();
    }
    const call =
      name === 'Chat'
        ? client.makeBidiStreamRequest(path, same, same, metadata, options)
        : client.makeServerStreamRequest(path, same, same, message, metadata, options);
    let text = '';
    if (name === 'Chat') call.write(message);
    call.on('data', (chunk) => (text += chunk)).on('error', ({ code }) => resolve({ code, text }));
  });
}

server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_error, port) => {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const names = ['Stalls', 'Mute', 'Upload', 'Chat', 'Whole'];
  const ended = await Promise.all(names.map((name) => made(client, name)));
  console.log(JSON.stringify(Object.fromEntries(names.map((name, index) => [name, ended[index]]))));
});
setInterval(() => {}, 1000);
