/** An ES module service, the hook in its first line when HOOK_FIRST_LINE names it: calls `?to=` by http and by fetch. */
import { createServer, get } from 'node:http';
import { trace } from '@opentelemetry/api';

if (process.env.HOOK_FIRST_LINE) await import(process.env.HOOK_FIRST_LINE);

const viaHttp = (to) =>
  new Promise((resolve, reject) => {
    get(to, (response) => response.resume().once('end', () => resolve())).once('error', reject);
  });

const server = createServer(async (request, response) => {
  const to = new URL(request.url, 'http://service').searchParams.get('to');
  await trace.getTracer('own').startActiveSpan('own work', async (span) => {
    await viaHttp(to);
    await fetch(to).then((answer) => answer.text());
    span.end();
  });
  response.end('done');
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
