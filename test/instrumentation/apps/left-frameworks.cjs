/**
 * A server of the web framework of its first argument, whose first step goes on when the client has left. Its handler says for what it
 * was asked, then answers; for `/hangs` it never does.
 */
const { once } = require('node:events');
const { besideHook } = require('../libraries/use.cjs');

const load = (name) => require(besideHook(name));
const host = '127.0.0.1';

async function untilLeft(response) {
  const left = once(response, 'close');
  console.log('reached');
  await left;
  await new Promise(setImmediate);
}
async function answer(url, give) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(url.slice(1));
  if (url === '/answered') return give();
  return new Promise(() => {});
}

const frameworks = {
  express() {
    const app = load('express')();
    app.use(function authenticate(_request, response, next) {
      void untilLeft(response).then(() => next());
    });
    app.get('/:name', ({ url }, response) => void answer(url, () => response.json({})));
    return app.listen(0, host);
  },
  async fastify() {
    const app = load('fastify')();
    app.addHook('onRequest', async function authenticate(_request, { raw }) {
      await untilLeft(raw);
    });
    app.get('/:name', ({ url }) => answer(url, () => ({})));
    await app.listen({ port: 0, host });
    return app.server;
  },
  koa() {
    const Koa = load('koa');
    const { Router } = load('@koa/router');
    const router = new Router();
    router.get('/:name', (context) => answer(context.url, () => (context.body = {})));
    const app = new Koa();
    app.use(async function authenticate({ res }, next) {
      await untilLeft(res);
      await next();
    });
    app.use(router.routes());
    return app.listen(0, host);
  },
};

void (async () => {
  const server = await frameworks[process.argv[2]]();
  if (!server.listening) await once(server, 'listening');
  console.log(`port ${server.address().port}`);
})();
