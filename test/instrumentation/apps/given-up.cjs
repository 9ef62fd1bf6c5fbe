/**
 * Gives calls up in ways of its own, one after the other. Arguments: a server that answers nothing, one whose answers stop half
 * way. Prints how each call ended, as one line of JSON. Stays until it is killed.
 */
const http = require('node:http');
const undici = require('undici');

const [, , silent, stalling] = process.argv;
const afterMs = 200;

const refusing = (error) => {
  const agent = new http.Agent();
  agent.createConnection = (_options, done) => void setTimeout(() => done(error), afterMs);
  return agent;
};

const get = (url, options, started = (_request) => {}) =>
  new Promise((resolve, reject) => {
    const request = http.get(url, options, resolve).on('error', reject);
    started(request);
  });

const abortBody = async (url, reason) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), afterMs);
  const { body } = await undici.request(url, { signal: controller.signal });
  await body.text();
};

const calls = {
  'destroy-null': (path) =>
    get(`${silent}${path}`, {}, (request) => setTimeout(() => request.destroy(null), afterMs)),
  'agent-late': (path) =>
    get(`${silent}${path}`, { agent: refusing(new Error('Proxy connection timed out')) }),
  'agent-no': (path) => get(`${silent}${path}`, { agent: refusing(new Error('Proxy says no')) }),
  'agent-504': (path) =>
    get(`${silent}${path}`, { agent: refusing(new Error('Proxy answered: 504 Gateway Timeout')) }),
  'body-text': (path) => abortBody(`${stalling}${path}`, 'text'),
  'body-null': (path) => abortBody(`${stalling}${path}`, null),
  'body-error': (path) => abortBody(`${stalling}${path}`, new Error('own')),
};

async function main() {
  const outcomes = {};
  for (const [name, call] of Object.entries(calls)) {
    outcomes[name] = await call(name).then(
      () => 'went well',
      (error) => String(error?.code ?? error),
    );
  }
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
void main();
