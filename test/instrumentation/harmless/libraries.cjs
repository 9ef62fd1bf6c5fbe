/** What a program gets of libraries that the hook patches: results, errors, callbacks and promises, what handlers see. Port of a PostgreSQL: first argument. */
const { AsyncLocalStorage } = require('node:async_hooks');
const express = require('express');
const { graphql, buildSchema } = require('graphql');
const { Client, Pool } = require('pg');
const { describeError, print, withServer } = require('./observe.cjs');

const storage = new AsyncLocalStorage();
const settings = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'postgres', database: 'postgres' };

async function database() {
  const pool = new Pool({ ...settings, max: 2 });
  const pending = pool.query('select 1 as one');
  print('promise', pending instanceof Promise, Object.keys(pending));
  const { rows, rowCount, fields, command } = await pending;
  print(
    'result',
    rows,
    rowCount,
    fields.map(({ name }) => name),
    command,
  );
  for (const query of ['select nothing', 'selec 1', { text: 'select $1::int', values: ['x'] }, undefined]) {
    try {
      print('went well', (await pool.query(query)).rows);
    } catch (error) {
      const { severity, position, routine } = error;
      print('error', describeError(error, 1), severity, position, routine);
    }
  }
  await new Promise((resolve) => {
    storage.run('by callback', () =>
      pool.query('select 2 as two', (error, result) => {
        print('callback', error ?? null, result.rows, storage.getStore());
        resolve();
      }),
    );
  });
  const client = await pool.connect();
  print(
    'client',
    typeof client.release,
    client.listenerCount('error'),
    pool.totalCount,
    pool.idleCount,
    pool.waitingCount,
  );
  client.release();
  await pool.end();
  const events = [];
  const own = new Client(settings);
  for (const event of ['connect', 'end', 'error', 'drain', 'notice']) own.on(event, () => events.push(event));
  await own.connect();
  await storage.run('own', () =>
    own.query("select 'x' as x").then(({ rows: [row] }) => print('own', row, storage.getStore())),
  );
  await own.end();
  print('events', events);
  const refused = new Client({ ...settings, port: 2 });
  await refused.connect().catch((error) => print('refused', describeError(error)));
}

async function web() {
  const seen = [];
  const app = express();
  app.use((request, _response, next) => storage.run(`request ${request.url}`, next));
  app.use(express.json());
  app.use(function named(request, response, next) {
    seen.push(['middleware', request.path, response.listenerCount('close') < 10]);
    next();
  });
  const router = express.Router();
  router.get('/items/:id', (request, response) => {
    seen.push(['handler', request.params.id, request.baseUrl, request.route.path, storage.getStore()]);
    response.json({ id: request.params.id });
  });
  router.get('/fault', () => {
    throw new Error('a fault of the handler');
  });
  router.get('/later', async () => {
    await new Promise(setImmediate);
    throw new Error('a later fault');
  });
  router.get('/skipped', (_request, _response, next) => next('route'));
  app.use('/shop', router);
  app.use((error, request, response, _next) => {
    seen.push(['error handler', request.path, describeError(error, 1), storage.getStore()]);
    response.status(503).send('sorry');
  });
  print(
    'layers',
    app.router.stack.length,
    app.router.stack.map(({ name }) => name),
  );
  const server = require('node:http').createServer(app);
  await withServer(server, async (port) => {
    for (const path of ['/shop/items/7', '/shop/fault', '/shop/later', '/shop/skipped', '/nowhere']) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      print(
        'answer',
        path,
        answer.status,
        [...answer.headers.keys()].toSorted(),
        (await answer.text()).length,
      );
    }
  });
  for (const each of seen) print(...each);
}

async function queries() {
  const schema = buildSchema('type Query { hello: String, fails: Int, later: [Int] }');
  const rootValue = {
    hello: () => 'world',
    fails: () => {
      throw new Error('a fault of the resolver');
    },
    later: async () => [1, 2],
  };
  for (const source of ['{ hello later }', '{ fails }', '{ nothing }', '{ syntax']) {
    print('graphql', await graphql({ schema, source, rootValue }));
  }
}

database().then(web).then(queries);
