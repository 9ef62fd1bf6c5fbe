/**
 * Makes spans of every kind through the OpenTelemetry API, beside those of the hook: to be recorded by either recorder.
 * Prints what the API tells the program on the way.
 */
const { EventEmitter, once } = require('node:events');
const http = require('node:http');
const { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');

const tracer = trace.getTracer('own', '1.2.3', { schemaUrl: 'https://schema.test/1' });
const other = trace.getTracer('other');
const say = (...facts) => console.log(JSON.stringify(facts));

const remote = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
};
const from = trace.setSpanContext(ROOT_CONTEXT, remote);

function everything() {
  const span = tracer.startSpan(
    'started',
    {
      kind: SpanKind.CONSUMER,
      startTime: [1_700_000_000, 1],
      attributes: { text: 'a', whole: 1, part: 1.5, yes: true, list: ['a', 'b'], nothing: undefined },
      links: [{ context: remote, attributes: { why: 'cause' } }],
    },
    from,
  );
  span.setAttributes({ more: [1, 2.5], bytes: new Uint8Array([1, 2]), map: { a: [null, { b: 1 }] } });
  span
    .setAttribute('whole', 2)
    .setAttribute('bad', () => {})
    .setAttribute('', 1);
  span.addEvent('plain').addEvent('with', { a: 1, bad: { nested: 1 } }, [1_700_000_000, 2]);
  span.addEvent('timed', new Date(1_700_000_000_500));
  span.recordException(new TypeError('wrong type'), [1_700_000_000, 3]);
  span.addLink({ context: { ...remote, isRemote: undefined, spanId: '00f067aa0ba902b7' } });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' }).updateName('everything');
  say(
    'recording',
    span.isRecording(),
    span.spanContext().traceId === remote.traceId,
    span.spanContext().isRemote,
  );
  span.end([1_700_000_001, 1]);
  span.setAttribute('late', 1).end();
  say('ended', span.isRecording());
}

function limits() {
  const span = tracer.startSpan('limits', {}, from);
  for (let index = 0; index < 200; index++) {
    span.setAttribute(`k${index}`, index).addEvent(`e${index}`, { index }).addLink({ context: remote });
  }
  span
    .setAttribute('k5', 'again')
    .setStatus({ code: SpanStatusCode.OK })
    .setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

async function contexts() {
  await tracer.startActiveSpan('outer', { attributes: { n: 1 } }, from, async (outer) => {
    say('active', trace.getActiveSpan() === outer);
    await Promise.resolve();
    say('after await', trace.getActiveSpan() === outer);
    other.startActiveSpan('inner', (inner) => {
      const bound = context.bind(context.active(), function () {
        return [trace.getActiveSpan() === inner, this.me, arguments.length];
      });
      setImmediate(() => say('bound', ...bound.call({ me: 'kept' }, 1, 2), bound.length));
      const emitter = context.bind(context.active(), new EventEmitter());
      context.with(ROOT_CONTEXT, () => {
        emitter.on('event', (value) => say('emitted', value, trace.getActiveSpan() === inner));
        emitter.emit('event', 7);
        say('within root', trace.getActiveSpan() === undefined);
      });
      inner.end();
    });
    tracer.startSpan('apart', { root: true }).end();
    const key = Symbol('key');
    const marked = context.active().setValue(key, 'value');
    say('value', marked.getValue(key), context.active().getValue(key), marked.deleteValue(key).getValue(key));
    const sum = context.with(
      marked,
      function (a, b) {
        return [this, a + b, context.active() === marked];
      },
      'receiver',
      1,
      2,
    );
    say('with', String(sum[0]), sum[1], sum[2]);
    outer.end();
  });
}

async function carriers() {
  const baggage = propagation.createBaggage({ user: { value: 'ü 7' } });
  const sent = {};
  propagation.inject(propagation.setBaggage(from, baggage), sent);
  say('sent', sent, propagation.fields());
  const got = propagation.extract(ROOT_CONTEXT, { ...sent, tracestate: 'a=1,b=2' });
  say('got', trace.getSpanContext(got).traceId, trace.getSpanContext(got).traceState.serialize());
  say('baggage', propagation.getBaggage(got).getEntry('user').value);
  const span = tracer.startSpan('with state', {}, got);
  span.end();
}

async function requests() {
  const server = http.createServer((request, response) => {
    const span = trace.getActiveSpan();
    span?.setAttribute('handler', 'mine').setAttribute('url.path', '/replaced');
    tracer.startActiveSpan('handling', (handling) => {
      response.statusCode = request.url === '/bad' ? 503 : 200;
      response.setHeader('x-parent', String(request.headers.traceparent));
      response.end('answer');
      handling.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  await tracer.startActiveSpan('calling', {}, from, async (span) => {
    await fetch(`${url}/good?page=1`).then((answer) => answer.text());
    const [answer] = await once(http.get(`${url}/bad`), 'response');
    await once(answer.resume(), 'end');
    await fetch('http://127.0.0.1:2/refused').catch(() => {});
    span.end();
  });
  server.close();
  server.closeAllConnections();
}

everything();
limits();
contexts().then(carriers).then(requests);
