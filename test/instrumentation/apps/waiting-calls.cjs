/**
 * Calls that wait behind others for one connection: by clients of undici, and by an agent of `http`. Arguments: the URL of a server,
 * and that of one that is not there. Prints how each ended, as one line of JSON. Stays until it is killed.
 */
const http = require('node:http');
const undici = require('undici');

const [, , url, closed] = process.argv;

const call = async (client, path, options = {}) => {
  const { body } = await client.request({ path, method: 'GET', ...options });
  return body.text();
};
const get = (path, agent, signal) =>
  new Promise((resolve, reject) => {
    http.get(url + path, { agent, signal }, (answer) => resolve(answer.resume())).on('error', reject);
  });
const endings = async (calls) =>
  (await Promise.allSettled(calls)).map(({ value, reason }) => value ?? reason.code ?? reason.name);
const after = (ms) => AbortSignal.timeout(ms);

async function main() {
  const client = new undici.Client(url, { pipelining: 2 });
  // Each goes before the answer to the one before has begun.
  const eager = { blocking: false };
  const outcomes = {
    held: await endings([call(client, '/held'), call(client, '/behind')]),
    hang: await endings([
      call(client, '/hang', { signal: after(400) }),
      call(client, '/given-up-behind', { signal: after(200) }),
    ]),
    warm: await endings([call(client, '/warm')]),
    pipelined: await endings([
      call(client, '/hang-pipelined', { signal: after(400), ...eager }),
      call(client, '/hang-beside', { signal: after(200), ...eager }),
    ]),
  };
  const lost = new undici.Client(closed, { pipelining: 2 });
  outcomes.refused = await endings([call(lost, '/refused'), call(lost, '/refused-behind')]);
  const agent = new http.Agent({ maxSockets: 1 });
  outcomes.agent = await endings([
    get('/hang-agent', agent, after(400)),
    get('/given-up-agent', agent, after(200)),
  ]);
  outcomes.last = await endings([call(client, '/last')]);
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
void main();
