/** Begins a span of its own and, below it, a call to the URL of its first argument; ends neither. */
const http = require('node:http');
const { trace, context } = require('@opentelemetry/api');

const [url] = process.argv.slice(2);

const span = trace
  .getTracer('program', '1.2.3')
  .startSpan('own work', { attributes: { secret: 'sesame', kept: 7 } });
context.with(trace.setSpan(context.active(), span), () => http.get(url).on('error', () => {}));
setTimeout(() => console.log('resting'), 100);
setInterval(() => {}, 1000);
