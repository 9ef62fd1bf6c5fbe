/** What a program gets of mysql2: results, errors, callbacks, events, and its own AsyncLocalStorage in each. Port of a MariaDB: first argument. */
const { AsyncLocalStorage } = require('node:async_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { createConnection, createPool } = require('mysql2');
const { describeError, print } = require('./observe.cjs');

const storage = new AsyncLocalStorage();
const settings = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'root', connectionLimit: 1 };

const called = (what, give) =>
  new Promise((resolve) =>
    storage.run(what, () =>
      give(function (error, ...results) {
        print(what, storage.getStore(), this === undefined, arguments.length, results);
        if (error) print('error', describeError(error, 1), error.sqlState, error.fatal);
        resolve();
      }),
    ),
  );

const emitted = (what, emitter, events) =>
  new Promise((resolve) => {
    for (const event of events) {
      emitter.on(event, (...args) => {
        print(what, event, storage.getStore(), args.length);
        if (event === events.at(-1)) resolve();
      });
    }
  });

async function main() {
  const pool = createPool(settings);
  let connection;
  await storage.run('opener', async () => {
    await pool.promise().query('select 0');
    connection = createConnection(settings);
    await connection.promise().query('select 0');
  });
  await called('pool.query', (done) => pool.query('select 1 as one', done));
  await called('pool.execute', (done) => pool.execute('select ? as text', ['x'], done));
  await called('connection.query', (done) => connection.query('select 1 as one', done));
  await called('connection.execute', (done) => connection.execute('select ? as text', ['x'], done));
  await called('ping', (done) => connection.ping(done));
  await called('failure', (done) => connection.query('selec 1', done));
  await called('prepare', (done) =>
    connection.prepare('select ? as text', (error, statement) => {
      print('prepared', storage.getStore(), error);
      statement.execute(['y'], done);
    }),
  );
  const query = storage.run('events', () => connection.query('select 1 union select 2'));
  print('query', Object.keys(query).toSorted(), query.listenerCount('end'), typeof query.onResult);
  await emitted('query', query, ['fields', 'result', 'end']);
  const { query: method, execute } = connection;
  print('methods', method.name, method.length, execute.name, execute.length);
  const gives = [
    () => connection.query('select 1'),
    () => connection.query('select ?', [1]),
    () => connection.query('select 1 from dual where false', undefined),
    () => connection.execute('select 1'),
    () => connection.execute('select ?', [1]),
  ];
  for (const give of gives) {
    const given = give();
    print('listeners', given.eventNames(), Object.keys(given).toSorted());
    await new Promise((resolve) => given.once('end', resolve));
  }
  const mistakes = [['selec 1'], ['selec ?', [1]]];
  const unheards = ['query', 'execute'].flatMap((how) => mistakes.map((mistake) => [how, mistake]));
  for (const [how, mistake] of unheards) {
    // What is thrown where it reads an answer is the end of a connection.
    const lost = createConnection(settings);
    await lost.promise().query('select 0');
    const unheard = new Promise((resolve) => process.once('uncaughtException', resolve));
    lost[how](...mistake);
    print('unheard', describeError(await Promise.race([unheard, sleep(2000)])));
    process.removeAllListeners('uncaughtException');
    lost.destroy();
  }
  const failing = storage.run('failing', () => connection.query('selec 2'));
  await emitted('failing', failing, ['error', 'end']);
  const stream = storage.run('stream', () => pool.query('select 1 union select 2').stream());
  await emitted('stream', stream, ['data', 'close']);
  const [rows] = await storage.run('promise', () => pool.promise().query('select 3 as three'));
  print('promise', rows);
  await called('late', (done) => connection.query({ sql: 'select sleep(1)', timeout: 100 }, done));
  connection.destroy();
  await pool.promise().end();
  const refused = createConnection({ ...settings, port: 2 });
  await new Promise((resolve) => {
    refused.on('error', (error) => resolve(print('refused', describeError(error))));
  });
}

void main();
