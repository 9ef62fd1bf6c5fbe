/** What the programs of this folder print with: one line a fact, the same in every run that goes the same. */
const http = require('node:http');

/** Ports and the ids of OpenSSL's errors differ from run to run. */
const steady = (text) =>
  text
    .replaceAll(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:PORT')
    .replaceAll(/localhost:\d{4,5}/g, 'localhost:PORT')
    .replaceAll(/[\dA-F]{12,16}:error:/g, 'error:');

exports.print = (...facts) => console.log(steady(JSON.stringify(facts)));

/** An error as a program can see it, with the functions on top of its stack; the hook's own stand between those of others. */
exports.describeError = (error, frames = 3) => {
  if (!(error instanceof Error)) return error;
  const { name, message, code, errno, syscall, cause, errors } = error;
  const stack = String(error.stack)
    .split('\n')
    .filter((line) => line.startsWith('    at ') && !line.includes('/instrumentation/dist/'))
    // Whether what follows a promise runs between two timers depends on how busy the machine is.
    .filter((line) => !/ (runNextTicks|listOnTimeout|(process\.)?processTimers) \(node:internal/.test(line))
    .slice(0, frames)
    // The name of Node's queue comes with and without the object it belongs to.
    .map((line) =>
      line
        .trim()
        .replace(/:\d+:\d+\)?$/, '')
        .replace('process.process', 'process'),
    );
  return {
    name,
    message,
    code,
    errno,
    syscall,
    keys: Object.keys(error),
    stack,
    cause: cause === undefined ? undefined : exports.describeError(cause, frames),
    errors: errors?.map((each) => exports.describeError(each, frames)),
  };
};

/** Notes every event of an emitter, in the order in which it comes: `list` gets `name event`. */
exports.noteEvents = (list, name, emitter, events) => {
  for (const event of events) emitter.on(event, () => list.push(`${name} ${event}`));
};

/** Replaces a method, until `undo` is called; `calls` gives which of the named objects it was called of, with which first argument. */
exports.noteCalls = (holder, method, named) => {
  const noted = new Set();
  const own = Object.getOwnPropertyDescriptor(holder, method);
  const original = holder[method];
  holder[method] = function (...args) {
    const found = Object.entries(named).find(([, object]) => object === this);
    if (found) noted.add(`${found[0]} ${String(args[0])}`);
    return Reflect.apply(original, this, args);
  };
  const undo = () => (own ? Object.defineProperty(holder, method, own) : delete holder[method]);
  return { calls: () => [...noted].toSorted(), undo };
};

/** Starts a server on a free port, calls `use` with it, and ends it. */
exports.withServer = async (server, use) => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(server.address().port);
  } finally {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  }
};

exports.get = (options) =>
  new Promise((resolve, reject) => {
    const request = http.get(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.once('end', () => resolve({ response, text }));
      response.once('error', reject);
    });
    request.once('error', reject);
  });
