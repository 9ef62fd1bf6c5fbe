/**
 * Calls the address given some times, and says how many requests and answers are still in memory when the calls are over.
 * To be run with `--expose-gc`.
 */
const { once } = require('node:events');
const http = require('node:http');
const { setImmediate: turn } = require('node:timers/promises');

const TURNS_MAX = 100;
const [, , url] = process.argv;

async function call(agent) {
  const request = http.get(url, { agent });
  const [response] = await once(request, 'response');
  await once(response.resume(), 'close');
  return [new WeakRef(request), new WeakRef(response)];
}

void (async () => {
  const agent = new http.Agent();
  const messages = [];
  for (let count = 0; count < 5; count++) messages.push(...(await call(agent)));
  let alive = messages;
  for (let turns = 0; alive.length > 0 && turns < TURNS_MAX; turns++) {
    await turn();
    gc();
    alive = alive.filter((each) => each.deref());
  }
  console.log(`${messages.length} messages, ${alive.length} in memory`);
})();
