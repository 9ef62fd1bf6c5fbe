/** Uses the library of the program's first argument, on the port of its second one, within a span of the program's own. */
const { trace } = require('@opentelemetry/api');
const { databases, frameworks, queues } = require('./calls.cjs');

exports.use = async (load) => {
  const [name, port] = process.argv.slice(2);
  if (frameworks[name]) {
    const server = await frameworks[name](await load(name), load);
    console.log(`port ${server.port}`);
    process.once('SIGUSR2', server.close);
    return;
  }
  const call = databases[name] ?? queues[name];
  const library = await load(name);
  await trace.getTracer('own').startActiveSpan('work', async (span) => {
    console.log(await call(library, Number(port)).catch((error) => `failed: ${error.code ?? error.message}`));
    span.end();
  });
};
