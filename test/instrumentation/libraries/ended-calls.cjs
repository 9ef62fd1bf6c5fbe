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
    killer.disconnect();
    return JSON.stringify(seen);
  },
};
