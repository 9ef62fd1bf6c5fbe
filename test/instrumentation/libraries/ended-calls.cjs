/**
 * What the programs of the tests do with a library whose calls end otherwise than by an answer: turned away, thrown at, or with their
 * connection. Each gives what it sees of that.
 */
const host = '127.0.0.1';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Collects how each call ends, by its name. */
function observe() {
  const seen = {};
  const note = (name, promise) =>
    promise.then(
      () => (seen[name] = 'answered'),
      (error) => (seen[name] = `${error.name}: ${error.message}`),
    );
  return { seen, note };
}

exports.endedCalls = {
  /** Of a server that says nothing. */
  async 'mysql2-ended'({ createConnection, createPool }, port) {
    const { seen, note } = observe();
    const settings = { host, port, user: 'root' };
    const connection = createConnection(settings);
    connection.on('error', ({ message }) => (seen.connection = message));
    const attempt = async (run) => run();
    await note(
      'untyped',
      attempt(() => connection.execute('select ? as untyped', [undefined])),
    );
    await note('promised', connection.promise().execute('select ? as promised', [undefined]));
    note('destroyed', connection.promise().query('select ? as destroyed', [1]));
    connection.query('select ? as unheard', [1]);
    connection.destroy();
    await note(
      'late',
      attempt(() => connection.execute('select ? as late', [1])),
    );
    await note('refused', connection.promise().query('select ? as refused', [1]));
    const timed = createConnection(settings);
    timed.query('select ? as timed', [1], () => {});
    await new Promise((resolve) => {
      setTimeout(() => resolve(timed.destroy()), 200);
    });
    for (const limits of [{ waitForConnections: false }, { queueLimit: 1 }]) {
      const pool = createPool({ ...settings, ...limits, connectionLimit: 1 });
      pool.getConnection(() => {});
      if (limits.queueLimit) pool.getConnection(() => {});
      await note(JSON.stringify(limits), pool.promise().query('select 1 as turned_away'));
    }
    return JSON.stringify(seen);
  },
  async 'ioredis-ended'({ Redis }, port) {
    const { seen, note } = observe();
    const connect = (options) => new Redis({ host, port, ...options }).on('error', () => {});
    const redis = connect({});
    await note('queued', redis.set('queued', 1));
    const waiting = [note('held', redis.blpop('held', 0)), note('behind', redis.get('behind'))];
    await sleep(50);
    redis.disconnect();
    await Promise.all(waiting);
    await note('closed', redis.get('closed'));
    const impatient = connect({ enableOfflineQueue: false });
    await note('unready', impatient.get('unready'));
    impatient.disconnect();
    const idle = connect({ lazyConnect: true });
    await note('quit', idle.quit());
    const lost = connect({ retryStrategy: () => 20 });
    const killer = connect({});
    const id = await lost.client('ID');
    const resent = note('resent', lost.brpop('resent', 1));
    await killer.client('KILL', 'ID', id);
    await resent;
    lost.disconnect();
    const stalled = connect({ socketTimeout: 200, retryStrategy: null });
    await stalled.ping();
    await killer.client('PAUSE', 1000, 'ALL');
    await note('stalled', stalled.get('stalled'));
    killer.disconnect();
    return JSON.stringify(seen);
  },
  async 'redis-ended'({ createClient }, port) {
    const { seen, note } = observe();
    const client = createClient({ socket: { host, port } });
    await client.connect();
    client.multi().set('dropped', 's3cr3t');
    const late = client.multi().get('early');
    await sleep(300);
    await note('transaction', late.get('late').exec());
    await note('pipeline', client.multi().get('piped').execAsPipeline());
    await note('mistaken', client.multi().set('mistaken', 's3cr3t').lPush('mistaken', 's3cr3t').exec());
    await client.close();
    return JSON.stringify(seen);
  },
  async 'pg-ended'({ Client, Query }, port) {
    const { seen, note } = observe();
    const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
    client.on('error', ({ message }) => (seen.client = message));
    await client.connect();
    const ended = (text, values) =>
      new Promise((resolve, reject) => {
        const query = client.query(new Query(text, values));
        seen.fields = Object.keys(query).length;
        query.on('end', resolve).on('error', reject);
      });
    await note('object', ended('select $1::int as object', [1]));
    await note('mistaken', ended("select 's3cr3t'::int as mistaken"));
    await note('promised', client.query("select 's3cr3t'::int as promised"));
    const called = (done) => client.query(new Query('select 1 as called', done));
    await note('called', new Promise((resolve) => called(resolve)));
    const lost = note('lost', ended('select 1 as lost'));
    client.connection.stream.destroy();
    await lost;
    await note('late', ended('select 1 as late'));
    return JSON.stringify(seen);
  },
  async 'amqplib-ended'({ connect }, port) {
    const { seen, note } = observe();
    const connection = await connect(`amqp://${host}:${port}`);
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    const content = Buffer.from('s3cr3t');
    const confirmed = (name, ...args) =>
      note(
        name,
        new Promise((resolve, reject) => {
          channel.sendToQueue(name, content, ...args, (error) => (error ? reject(error) : resolve()));
        }),
      );
    const shared = Object.freeze({ persistent: true, headers: Object.freeze({ by: 'everybody' }) });
    await confirmed('frozen', shared);
    const options = {};
    await confirmed('own', options);
    seen.options = options;
    await note('mistaken', new Promise(() => channel.sendToQueue('mistaken', 's3cr3t')));
    // The broker ends the channel, and does not confirm what comes after.
    channel.publish('nowhere', 'nobody', content);
    await confirmed('after', {});
    await note('closed', new Promise(() => channel.sendToQueue('closed', content)));
    await connection.close();
    return JSON.stringify(seen);
  },
  async 'kafkajs-ended'({ Kafka, logLevel }, port) {
    const { seen, note } = observe();
    const kafka = new Kafka({
      brokers: [`${host}:${port}`],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20 },
    });
    const producer = kafka.producer();
    const send = (topic, record) => note(topic, producer.send({ topic, ...record }));
    await send('early', { messages: [{ value: 's3cr3t' }] });
    await producer.connect();
    const message = Object.freeze({ value: 's3cr3t', headers: Object.freeze({ by: 'everybody' }) });
    await send('frozen', Object.freeze({ messages: Object.freeze([message]) }));
    const own = { value: 's3cr3t' };
    await note('batch', producer.sendBatch({ topicMessages: [{ topic: 'batch', messages: [own] }] }));
    seen.own = own;
    await send('empty', {});
    await send('nobody', { messages: [null] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: 'shop', sessionTimeout: 6000 });
    await consumer.connect();
    await consumer.subscribe({ topics: ['frozen'], fromBeginning: true });
    let isThrown = false;
    await new Promise((resolve) => {
      const eachMessage = ({ message: { headers } }) => {
        seen.headers = Object.keys(headers).filter((name) => name !== 'traceparent');
        if (isThrown) return resolve();
        isThrown = true;
        throw new Error('at once');
      };
      consumer.run(Object.freeze({ eachMessage }));
    });
    await consumer.disconnect();
    return JSON.stringify(seen);
  },
};
