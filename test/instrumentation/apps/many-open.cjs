/** Begins as many spans as its first argument says, calls the URL of its second while they are open, then ends them. */
const http = require('node:http');
const { trace } = require('@opentelemetry/api');

const [count, url] = process.argv.slice(2);
const tracer = trace.getTracer('many-open');
const open = Array.from({ length: Number(count) }, (_, index) => tracer.startSpan(`open ${index}`));

// By then they have been told of for more than a second.
setTimeout(() => {
  http.get(url, (response) => {
    response.resume();
    response.once('end', () => {
      for (const span of open) span.end();
      console.log(JSON.stringify({ ended: open.filter((span) => !span.isRecording()).length }));
    });
  });
}, 2_500);
