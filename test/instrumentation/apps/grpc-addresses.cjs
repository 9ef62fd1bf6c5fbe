/**
 * Calls of gRPC to names with several addresses, not all of which serve, one after the other; then prints how each ended, as one
 * line of JSON. Stays until it is killed.
 */
const dns = require('node:dns');
const net = require('node:net');
const grpc = require('@grpc/grpc-js');

const [serving, resetting, silent, closed, alsoClosed] = [1, 5, 6, 2, 4].map((n) => `127.0.0.${n}`);
// The next address is tried after 250 ms.
const names = {
  'resetting.test': [resetting, serving],
  'silent.test': [closed, silent, alsoClosed],
  'closed.test': [closed, alsoClosed],
};
const { lookup: usualLookup } = dns.promises;
dns.promises.lookup = (name, options) =>
  names[name]
    ? Promise.resolve(names[name].map((address) => ({ address, family: 4 })))
    : usualLookup(name, options);

const same = (bytes) => bytes;
const ask = { requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same };
const service = {
  ask: { path: '/shop.Cart/Ask', responseSerialize: same, responseDeserialize: same, ...ask },
};
const backOffMs = 100;
const backOff = Object.fromEntries(
  ['initial', 'min', 'max'].map((which) => [`grpc.${which}_reconnect_backoff_ms`, backOffMs]),
);

const clientTo = (name, port, options = {}) =>
  new grpc.Client(`${name}:${port}`, grpc.credentials.createInsecure(), options);
const call = (client, method, budgetMs, waitForReady = false, given = {}) =>
  new Promise((resolve) => {
    const metadata = new grpc.Metadata({ waitForReady });
    const options = { deadline: Date.now() + budgetMs, ...given };
    const path = `/shop.Cart/${method}`;
    client.makeUnaryRequest(path, same, same, Buffer.from('?'), metadata, options, (error, answer) =>
      resolve(error ? error.code : String(answer)),
    );
  });

async function main() {
  const server = new grpc.Server();
  const answer = (_call, done) => done(null, Buffer.from('ok'));
  for (const method of ['Reset', 'Silent', 'Refused', 'BackOff'])
    server.addService({ ask: { ...service.ask, path: `/shop.Cart/${method}` } }, { ask: answer });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync(`${serving}:0`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const listen = (address, accepted) =>
    new Promise((resolve) =>
      net.createServer((socket) => accepted(socket.on('error', () => {}))).listen(port, address, resolve),
    );
  await listen(resetting, (socket) => setTimeout(() => socket.resetAndDestroy(), 400));
  await listen(silent, () => {});
  const outcomes = {};
  outcomes.reset = await call(clientTo('resetting.test', port), 'Reset', 30_000);
  outcomes.silent = await call(clientTo('silent.test', port), 'Silent', 600);
  const unanswered = clientTo(silent, port);
  outcomes.unanswered = await call(unanswered, 'Unanswered', 1500);
  outcomes.unansweredAgain = await call(unanswered, 'UnansweredAgain', 400);
  const credentials = grpc.credentials.createFromMetadataGenerator(() => {});
  outcomes.credentials = await call(clientTo(serving, port), 'Credentials', 600, false, { credentials });
  const closing = net.createServer((socket) => {
    closing.close();
    setTimeout(() => socket.on('error', () => {}).destroy(), 1600);
  });
  await new Promise((resolve) => closing.listen(0, silent, resolve));
  const left = clientTo(silent, closing.address().port);
  outcomes.gone = await Promise.all([call(left, 'Gone', 30_000), call(left, 'GoneReady', 4000, true)]);
  const none = clientTo('closed.test', port, backOff);
  outcomes.refused = await call(none, 'Refused', 30_000);
  outcomes.backOff = await call(none, 'BackOff', 15 * backOffMs, true);
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
main();
