/**
 * Calls the URL of its second argument, with the kind of process at its end, from another process or thread of the kind that
 * its first argument names. Prints what that one has inherited, and how it ended.
 */
const { execFile, fork, spawnSync } = require('node:child_process');
const cluster = require('node:cluster');
const http = require('node:http');
const { isMainThread, Worker } = require('node:worker_threads');

const [way, url, role] = process.argv.slice(2);

const call = (path) =>
  new Promise((resolve, reject) => {
    http.get(url + path, (response) => response.resume().once('end', resolve)).once('error', reject);
  });

/** What a child has of its parent, without what differs by itself. */
const inherited = () =>
  JSON.stringify([
    process.execArgv,
    Object.keys(process.env).filter((name) => /OTEL|NODE_|SOCKEYE/.test(name)),
  ]);

const parents = {
  thread() {
    const worker = new Worker(__filename, { argv: [way, url] });
    worker.on('exit', (code) => console.log(`thread ended ${code}`));
  },
  'thread that exits'() {
    const worker = new Worker(__filename, { argv: [way, url] });
    worker.on('exit', (code) => console.log(`thread ended ${code}`));
  },
  fork() {
    const child = fork(__filename, [way, url, 'child']);
    child.on('message', (message) => console.log(message));
    child.on('exit', (code, signal) => console.log(`fork ended ${code} ${signal}`));
  },
  exec() {
    execFile(
      process.execPath,
      [...process.execArgv, __filename, way, url, 'child'],
      (error, stdout, stderr) => console.log(error?.code ?? 0, stdout.trim(), stderr),
    );
  },
  spawnSync() {
    const args = [...process.execArgv, __filename, way, url, 'child'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    console.log(status, stdout.trim(), stderr);
  },
  cluster() {
    cluster.setupPrimary({ args: [way, url, 'child'] });
    const workers = [cluster.fork(), cluster.fork()];
    let left = workers.length;
    cluster.on('exit', (_worker, code, signal) => {
      left -= 1;
      if (left === 0) console.log(`cluster ended ${code} ${signal}`);
    });
  },
};

const children = {
  thread: () => call('/thread'),
  'thread that exits': () => call('/exited-thread').then(() => process.exit(4)),
  fork: () => call('/fork').then(() => process.send(inherited(), () => process.disconnect())),
  exec: () => call('/exec').then(() => console.log(inherited())),
  spawnSync: () => call('/spawnSync').then(() => console.log(inherited())),
  async cluster() {
    const server = http.createServer((_request, response) => response.end('from a worker'));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    await fetch(`http://127.0.0.1:${server.address().port}/`).then((answer) => answer.text());
    await call(`/cluster-${cluster.worker.id}`);
    server.close();
    server.closeAllConnections();
    process.disconnect();
  },
};

(role === 'child' || !isMainThread ? children : parents)[way]();
