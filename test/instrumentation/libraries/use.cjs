/** Uses the library of the program's first argument, on the port of its second one, within a span of the program's own, and stays. */
const { join } = require('node:path');
const { trace } = require('@opentelemetry/api');
const { databases, frameworks, others, queues } = require('./calls.cjs');
const { endedCalls } = require('./ended-calls.cjs');

exports.use = async (load) => {
  const [name, port] = process.argv.slice(2);
  if (frameworks[name]) {
    const server = await frameworks[name](await load(name), load);
    console.log(`port ${server.port}`);
    return;
  }
  setInterval(() => {}, 1000);
  const call = databases[name] ?? queues[name] ?? others[name] ?? endedCalls[name];
  const library = await load(name.replace(/-(late|queue|slow|login-slow|callbacks|silent|ended)$/, ''));
  await trace.getTracer('own').startActiveSpan('work', async (span) => {
    console.log(await call(library, Number(port)).catch((error) => `failed: ${error.code ?? error.message}`));
    span.end();
  });
};

/** The file of a library that npm has installed beside the hook only. */
exports.besideHook = (name) =>
  require.resolve(name, { paths: [join(__dirname, '../../../instrumentation')] });
