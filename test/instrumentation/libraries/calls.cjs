/**
 * What the programs of the tests do with each library: one working call or more to the server on a port of 127.0.0.1, with
 * `s3cr3t` in places that spans must not carry. They get the library as `require` or `import` gives it.
 */
const net = require('node:net');
const { context, ROOT_CONTEXT, trace } = require('@opentelemetry/api');

const host = '127.0.0.1';
/** How long the drivers wait for a connection that does not come about. */
const giveUpMs = 1500;
/** And for the answer to a query. */
const slowMs = 300;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const failureOf = (promise) =>
  promise.then(
    () => undefined,
    (error) => error,
  );
const texts = (errors) => errors.map((error) => error?.message || error?.constructor.name).join(', ');

exports.databases = {
  async pg({ Pool }, port) {
    const pool = new Pool({ host, port, user: 'postgres', password: 's3cr3t', database: 'postgres' });
    const { rows } = await pool.query("select name, 's3cr3t' as s from products where id = $1", [7]);
    await pool.end();
    return rows[0].name;
  },
  async mysql2({ createPool }, port) {
    const pool = createPool({ host, port, user: 'root', password: 's3cr3t' }).promise();
    await pool.query('create database if not exists shop');
    await pool.query('use shop');
    const [rows] = await pool.query("select 'product' as name, 's3cr3t' as s where ? = 7", [7]);
    const [again] = await pool.execute('select ? as name', ['s3cr3t']);
    await pool.end();
    return `${rows[0].name} ${again[0].name.length}`;
  },
  async ioredis({ Redis }, port) {
    const redis = new Redis({ host, port, lazyConnect: true });
    await redis.set('product:7', 's3cr3t');
    const value = await redis.get('product:7');
    await redis.quit();
    return String(value.length);
  },
  async redis({ createClient }, port) {
    const client = createClient({ socket: { host, port } });
    await client.connect();
    await client.set('product:8', 's3cr3t');
    const value = await client.get('product:8');
    await client.close();
    return String(value.length);
  },
  async mongodb({ MongoClient }, port) {
    const client = new MongoClient(`mongodb://${host}:${port}`, { serverSelectionTimeoutMS: 3000 });
    const products = client.db('shop').collection('products');
    await products.updateOne({ _id: 7 }, { $set: { name: 's3cr3t' } }, { upsert: true });
    const found = await products.findOne({ name: 's3cr3t' });
    await client.close();
    return String(found._id);
  },
};

exports.others = {
  /** Both at once, where the pool has one connection, which was opened for somebody else. */
  async 'mysql2-queue'({ createPool }, port) {
    const pool = createPool({ host, port, user: 'root', password: 's3cr3t', connectionLimit: 1 }).promise();
    await context.with(ROOT_CONTEXT, () => pool.query('select 0'));
    await Promise.all([pool.query('select sleep(0.2)'), pool.query('select 2 as waited')]);
    // Another's connection dies, and one is opened for who waited.
    const dying = await pool.getConnection();
    const again = pool.query('select 3 as again');
    context.with(ROOT_CONTEXT, () => dying.destroy());
    await again;
    const holder = await pool.getConnection();
    const late = pool.query('select 4').catch((error) => error);
    setTimeout(() => pool.end(), 50);
    const { message } = await late;
    holder.destroy();
    return message;
  },
  /** Queries without a callback, each ends in its own way. */
  async 'mysql2-silent'({ createConnection }, port) {
    const connect = () => createConnection({ host, port, user: 'root' });
    const [connection, killer] = [connect(), connect()];
    const ended = (query) => new Promise((resolve) => query.on('end', resolve));
    await ended(connection.query('select ? as query', [1]));
    await ended(connection.query({ sql: 'select ? as object' }, [1]));
    await ended(connection.execute('select ? as execution', [1]));
    await ended(connection.query('select 1 as nothing from dual where false'));
    await ended(connection.query('selec ? as mistake', [1]).on('error', () => {}));
    const [[{ id }]] = await connection.promise().query('select connection_id() as id');
    const { message } = await new Promise((resolve) => {
      connection.on('error', resolve);
      connection.query('select sleep(?) as running', [20]);
      connection.query('select ? as queued', [1]);
      killer.query('kill ?', [id], () => {});
    });
    connection.query('select ? as late', [1]);
    killer.destroy();
    return message;
  },
  /** A span of the program's own in each callback and listener, of commands on connections that were opened for somebody else. */
  async 'mysql2-callbacks'({ createPool, createConnection }, port) {
    const settings = { host, port, user: 'root', connectionLimit: 1 };
    const tracer = trace.getTracer('own');
    const note = (name) => tracer.startSpan(`in ${name}`).end();
    const pool = createPool(settings);
    let connection;
    await context.with(ROOT_CONTEXT, () =>
      tracer.startActiveSpan('other', async (other) => {
        await pool.promise().query('select 0');
        connection = createConnection(settings);
        await connection.promise().query('select 0');
        other.end();
      }),
    );
    const called = (name, give) =>
      new Promise((resolve, reject) => {
        give((error) => {
          note(name);
          if (error) reject(error);
          else resolve();
        });
      });
    await called('pool.query', (done) => pool.query('select 1', done));
    await called('pool.execute', (done) => pool.execute('select ?', ['1'], done));
    await called('connection.query', (done) => connection.query('select 1', done));
    await called('connection.execute', (done) => connection.execute('select ?', ['1'], done));
    await called('ping', (done) => connection.ping(done));
    const failure = called('failed query', (done) => connection.query('selec', done));
    await failure.catch(() => {});
    await new Promise((resolve) => {
      const query = connection.query('select 1 union select 2');
      query.on('fields', () => note('fields'));
      query.on('result', () => note('result'));
      query.on('end', () => {
        note('end');
        resolve();
      });
    });
    await new Promise((resolve) => {
      const stream = pool.query('select 1').stream();
      stream.on('data', () => note('data'));
      stream.on('close', () => {
        note('close');
        resolve();
      });
    });
    await pool.promise().query('select 1');
    note('promise');
    // Several at once on one connection, each for another.
    await Promise.all(
      ['first', 'second'].map((name) =>
        tracer.startActiveSpan(name, async (span) => {
          await called(name, (done) => connection.query('select 1', done));
          span.end();
        }),
      ),
    );
    // And nobody's are nobody's.
    await context.with(ROOT_CONTEXT, () => called('nobody', (done) => connection.query('select 1', done)));
    connection.destroy();
    await pool.promise().end();
    return 'done';
  },
  /** The same of pg; of a pool with one connection, for which another waits. */
  async 'pg-callbacks'({ Client, Pool, Query }, port) {
    const settings = { host, port, user: 'postgres', database: 'postgres', max: 1 };
    const tracer = trace.getTracer('own');
    const note = (name) => tracer.startSpan(`in ${name}`).end();
    const called = (name, give) =>
      new Promise((resolve) => {
        give(() => {
          note(name);
          resolve();
        });
      });
    const pool = new Pool(settings);
    const byOther = (work) =>
      context.with(ROOT_CONTEXT, () =>
        tracer.startActiveSpan('other', (other) => work().finally(() => other.end())),
      );
    await byOther(() => pool.query('select 0'));
    await called('pool.query', (done) => pool.query('select 1', done));
    const nobody = (give) => context.with(ROOT_CONTEXT, give);
    await nobody(() => called('nobody', (done) => pool.query('select 1', done)));
    const holder = await byOther(() => pool.connect());
    const waited = nobody(() =>
      called('waiting nobody', (done) =>
        pool.connect((_error, client, release) => {
          done();
          release();
        }),
      ),
    );
    byOther(async () => holder.release());
    await waited;
    await pool.end();
    // PGlite has one connection at a time.
    const client = new Client(settings);
    await byOther(() => client.connect());
    await called('client.query', (done) => client.query('select 1', done));
    await new Promise((resolve) => {
      const query = client.query(new Query('select 1'));
      query.on('row', () => note('row'));
      query.on('end', () => {
        note('end');
        resolve();
      });
    });
    await client.end();
    return 'done';
  },
  /** Each gives up on a connection that does not come about, by a timer of its own. */
  async 'pg-late'({ Client }, port) {
    const client = new Client({ host, port, user: 'postgres', connectionTimeoutMillis: giveUpMs });
    client.on('error', () => {});
    await client.connect();
  },
  async 'mysql2-late'({ createConnection }, port) {
    const connection = createConnection({ host, port, user: 'root', connectTimeout: giveUpMs });
    await new Promise((_resolve, reject) => connection.on('error', reject));
  },
  async 'ioredis-late'({ Redis }, port) {
    const redis = new Redis({ host, port, lazyConnect: true, connectTimeout: giveUpMs, retryStrategy: null });
    redis.on('error', () => {});
    await redis.get('x');
  },
  async 'redis-late'({ createClient }, port) {
    const client = createClient({
      socket: { host, port, connectTimeout: giveUpMs, reconnectStrategy: false },
    });
    client.on('error', () => {});
    await client.connect();
  },
  async 'mongodb-late'({ MongoClient }, port) {
    const limits = { connectTimeoutMS: giveUpMs, serverSelectionTimeoutMS: giveUpMs };
    const client = new MongoClient(`mongodb://${host}:${port}`, limits);
    await client.connect().finally(() => client.close());
  },
  /**
   * Each gives up on queries that are not answered, by a timer of its own. Of PostgreSQL, the server says nothing at all; of
   * the others, it is told to wait.
   */
  async 'pg-slow'({ Client }, port) {
    const client = new Client({ host, port, user: 'postgres', query_timeout: slowMs });
    client.on('error', () => {});
    client.connect().catch(() => {});
    const byCallback = new Promise((resolve) => client.query("select 'callback'", resolve));
    const errors = [await byCallback, await failureOf(client.query("select 'promise'"))];
    client.connection.stream.destroy();
    return texts(errors);
  },
  /** The server asks for a password, for which the program has a time-out of its own, and says nothing more. */
  async 'pg-login-slow'({ Client, Pool }, port) {
    const password = async () => {
      AbortSignal.timeout(5000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 's3cr3t';
    };
    const options = { host, port, user: 'postgres', password, connectionTimeoutMillis: slowMs };
    const errors = [await failureOf(new Client(options).connect())];
    errors.push(await failureOf(new Pool(options).query("select 'pool'")));
    return texts(errors);
  },
  /** The server does not greet whoever connects. */
  async 'mysql2-login-slow'({ createConnection, createPool }, port) {
    const options = { host, port, user: 'root', connectTimeout: slowMs };
    const connection = createConnection(options).on('error', () => {});
    const errors = [await failureOf(connection.promise().query("select 'connection'"))];
    errors.push(await failureOf(createPool(options).promise().query("select 'pool'")));
    return texts(errors);
  },
  async 'mysql2-slow'({ createConnection }, port) {
    const connection = createConnection({ host, port, user: 'root' });
    const late = { sql: 'select sleep(2)', timeout: slowMs };
    const errors = [await new Promise((resolve) => connection.query(late, resolve))];
    connection.destroy();
    const other = createConnection({ host, port, user: 'root' });
    errors.push(await failureOf(other.promise().execute(late)));
    other.destroy();
    const third = createConnection({ host, port, user: 'root' });
    errors.push(await new Promise((resolve) => third.query(late).on('error', resolve)));
    third.destroy();
    return texts(errors);
  },
  async 'ioredis-slow'({ Redis }, port) {
    const redis = new Redis({ host, port, commandTimeout: slowMs });
    // A command that waits for the connection may be as slow.
    await new Promise((resolve) => redis.once('ready', resolve));
    await redis.call('client', 'pause', '1000', 'all');
    const error = await failureOf(redis.get('x'));
    redis.disconnect();
    return texts([error]);
  },
  async 'redis-slow'({ createClient }, port) {
    const paused = createClient({ socket: { host, port, socketTimeout: slowMs, reconnectStrategy: false } });
    paused.on('error', () => {});
    await paused.connect();
    await paused.sendCommand(['client', 'pause', '1000', 'all']);
    const errors = [await failureOf(paused.get('x'))];
    const away = createClient({
      socket: { host, port: 2, reconnectStrategy: 5000 },
      commandOptions: { timeout: slowMs },
    });
    away.on('error', () => {});
    away.connect().catch(() => {});
    errors.push(await failureOf(away.get('y')));
    away.destroy();
    return texts(errors);
  },
  /** `waitMs` is for the server, which answers as late. */
  async 'mongodb-slow'({ MongoClient }, port) {
    const limits = { socketTimeoutMS: slowMs, retryReads: false };
    const client = new MongoClient(`mongodb://${host}:${port}`, { serverApi: '1', ...limits });
    const error = await failureOf(client.db('shop').collection('products').findOne({ waitMs: 1000 }));
    await client.close();
    return texts([error]);
  },
  /** Takes connections, and says nothing: for a command there is no server. */
  async 'mongodb-silent'({ MongoClient }, port) {
    const client = new MongoClient(`mongodb://${host}:${port}`, { serverSelectionTimeoutMS: slowMs });
    const error = await failureOf(client.db('shop').collection('products').findOne({}));
    await client.close();
    return texts([error]);
  },
  /** Whose broker does not hear it any more. */
  async 'kafkajs-slow'({ Kafka, logLevel }, port) {
    const sockets = [];
    const kafka = new Kafka({
      brokers: [`${host}:${port}`],
      logLevel: logLevel.NOTHING,
      requestTimeout: slowMs,
      retry: { retries: 0 },
      socketFactory({ host, port, onConnect }) {
        sockets.push(net.connect({ host, port }, onConnect));
        return sockets.at(-1);
      },
    });
    const producer = kafka.producer();
    const send = () => producer.send({ topic: 'orders', messages: [{ value: 's3cr3t' }] });
    await producer.connect();
    await send();
    for (const socket of sockets) socket.write = () => true;
    const error = await failureOf(send());
    for (const socket of sockets) socket.destroy();
    return texts([error]);
  },
  async 'mongodb-queue'({ MongoClient }, port) {
    const limits = { maxPoolSize: 1, waitQueueTimeoutMS: slowMs, retryReads: false };
    const client = new MongoClient(`mongodb://${host}:${port}`, { serverApi: '1', ...limits });
    const find = (waitMs) => client.db('shop').collection('products').findOne({ waitMs });
    await find(0);
    await Promise.all([find(200), find(0)]);
    const holder = find(600);
    const error = await failureOf(find(0));
    await holder;
    await client.close();
    return texts([error]);
  },
  /** The one client of its pool is held by somebody else, whose trace the command that waits is not in. */
  async 'redis-queue'({ createClientPool }, port) {
    const limits = { minimum: 1, maximum: 1, acquireTimeout: slowMs };
    const pool = createClientPool({ socket: { host, port } }, limits);
    await context.with(ROOT_CONTEXT, () => pool.connect());
    const hold = (ms) => context.with(ROOT_CONTEXT, () => pool.execute(() => sleep(ms)));
    let holder = hold(100);
    await pool.get('waited');
    await holder;
    holder = hold(slowMs * 2);
    const error = await failureOf(pool.get('in vain'));
    await holder;
    await pool.close();
    const opening = createClientPool({ url: `redis://${host}:${port}` }, { minimum: 0 });
    await opening.connect();
    await opening.get('opened');
    await opening.close();
    return texts([error]);
  },
  /** Waits for the one connection of its pool, first until it gets it, then in vain. */
  async 'pg-pool'({ default: Pool }, port) {
    const limits = { max: 1, connectionTimeoutMillis: 300 };
    const pool = new Pool({ host, port, user: 'postgres', database: 'postgres', ...limits });
    const first = await pool.connect();
    setTimeout(() => first.release(), 100);
    const second = await pool.connect();
    const { message } = await pool.connect().catch((error) => error);
    second.release();
    await pool.end();
    return message;
  },
  async graphql({ buildSchema, graphql }) {
    const schema = buildSchema(`
      type Query { items(name: String): [Item] }
      type Item { id: Int, price: Int }
    `);
    const items = [1, 2, 3].map((id) => ({ id, price: () => id * 100 }));
    const source = 'query Items { items(name: "s3cr3t") { id price } }';
    const { data } = await graphql({ schema, source, rootValue: { items } });
    return String(data.items.at(-1).price);
  },
};

exports.queues = {
  async amqplib({ connect }, port) {
    const connection = await connect(`amqp://guest:guest@${host}:${port}`);
    const channel = await connection.createChannel();
    await channel.assertQueue('orders', { autoDelete: true });
    const message = await new Promise((resolve) => {
      channel.consume('orders', (each) => {
        channel.ack(each);
        resolve(each);
      });
      channel.sendToQueue('orders', Buffer.from('s3cr3t'));
    });
    await connection.close();
    return String(message.content.length);
  },
  async kafkajs({ Kafka, logLevel }, port) {
    const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: 'shop', sessionTimeout: 6000 });
    await producer.connect();
    await producer.send({ topic: 'orders', messages: [{ value: 's3cr3t' }] });
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    const value = await new Promise((resolve) =>
      consumer.run({ eachMessage: async ({ message }) => resolve(message.value) }),
    );
    await consumer.disconnect();
    await producer.disconnect();
    return String(value.length);
  },
};

const item = (id) => ({ id, name: `item ${id}` });

/** Each starts a server whose route `/shop/items/:id` answers with the item, and gives its port. */
exports.frameworks = {
  express({ default: express }) {
    const shop = express.Router();
    shop.get('/items/:id', (request, response) => response.json(item(request.params.id)));
    const app = express();
    app.use(function authenticate(_request, _response, next) {
      setImmediate(next);
    });
    app.use('/shop', shop);
    return new Promise((resolve) => {
      const server = app.listen(0, host, () => resolve({ port: server.address().port }));
    });
  },
  async fastify({ default: fastify }) {
    const app = fastify();
    app.addHook('onRequest', async function authenticate() {});
    app.get('/shop/items/:id', async (request) => item(request.params.id));
    await app.listen({ port: 0, host });
    return { port: app.server.address().port };
  },
  async koa({ default: Koa }, load) {
    const { Router } = await load('@koa/router');
    const router = new Router({ prefix: '/shop' });
    router.get('/items/:id', (context) => {
      context.body = item(context.params.id);
    });
    const app = new Koa();
    app.use(async function authenticate(_context, next) {
      await next();
    });
    app.use(router.routes());
    return new Promise((resolve) => {
      const server = app.listen(0, host, () => resolve({ port: server.address().port }));
    });
  },
  async '@hapi/hapi'({ server: createServer }) {
    const server = createServer({ port: 0, host });
    server.ext('onPreAuth', (_request, h) => h.continue);
    server.route({ method: 'GET', path: '/shop/items/{id}', handler: ({ params }) => item(params.id) });
    await server.start();
    return { port: server.info.port };
  },
  async '@nestjs/core'({ NestFactory }, load) {
    await load('reflect-metadata');
    const { Controller, Get, Module, Param } = await load('@nestjs/common');
    class ItemsController {
      find(id) {
        return item(id);
      }
    }
    const method = Object.getOwnPropertyDescriptor(ItemsController.prototype, 'find');
    Get('items/:id')(ItemsController.prototype, 'find', method);
    Param('id')(ItemsController.prototype, 'find', 0);
    Controller('shop')(ItemsController);
    function AppModule() {}
    Module({ controllers: [ItemsController] })(AppModule);
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, host);
    return { port: app.getHttpServer().address().port };
  },
};
