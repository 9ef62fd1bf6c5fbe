/**
 * Makes spans from a drawing, so that a test shows its trace.
 *
 *     gateway           |===================X|
 *       gateway>orders  |===================X     phase=wait budget=2000
 *         orders         |==========================|
 *           orders>db     |==| |==| |=====~
 *
 * Indentation is parentage. A name with `>` is the client's span of a call (its service, its peer), one without is a
 * service's own: a server span, or `kind=internal`. A column is 100 ms. `|…|` ended well, `|…!` in error, `|…X` gave
 * up, `|…~` has not ended. Several bars on a line are several spans, the first named `orders>db`, the next
 * `orders>db#2`. After the bars:
 *
 *     phase=connect budget=2000 timer=http_timeout     what the hook says of a time-out
 *     dns=5 connect=1995                               phases in milliseconds
 *     error="dial tcp: …"  type=ECONNREFUSED           the error's words and type
 *     code=504  op="GET /x"  kind=internal  peer=a:80  status, name, kind, address
 *     left=300  skew=-5000                             when the client left; the sender's clock is off by
 *     orphan  instance=b                               its parent is missing; another process of the service
 *     host=h1                                          the host.id of its process
 *     some.key=value                                   any attribute
 */
import type { AttributeValue, Resource, Span, SpanKind } from '../../collector/span.ts';
import { PHASES } from '../../collector/diagnose/verdict.ts';
import { makeSpan, START_UNIX_NANO } from './make-span.ts';

const MS_PER_COLUMN = 100;
const LINE = /^(\s*)(\S+)(\s+)((?:\|=*[|!X~]\s*)+)(.*)$/;
const NOTE = /([\w.]+)(?:=(?:"([^"]*)"|(\S+)))?/g;

export interface DrawnTrace {
  readonly traceId: string;
  readonly spans: Span[];
  /** The id of a drawn span. */
  id(label: string): string;
  /** The label of a span id. */
  label(spanId: string): string;
}

export function drawTrace(drawing: string): DrawnTrace {
  const resources = new Map<string, Resource>();
  const labels = new Map<string, string>();
  const spans: Span[] = [];
  const parents: { indent: number; spanId: string }[] = [];
  const lines = drawing.split('\n').filter((line) => line.trim() !== '');
  const originColumn = Math.min(...lines.map((line) => parse(line).bars[0]?.start ?? Infinity));
  for (const line of lines) {
    const { indent, name, bars, notes } = parse(line);
    while ((parents.at(-1)?.indent ?? -1) >= indent) parents.pop();
    const parentSpanId = notes.has('orphan') ? 'f'.repeat(16) : (parents.at(-1)?.spanId ?? '');
    bars.forEach((bar, index) => {
      const spanId = (spans.length + 1).toString(16).padStart(16, '0');
      labels.set(index === 0 ? name : `${name}#${index + 1}`, spanId);
      const startMs = (bar.start - originColumn) * MS_PER_COLUMN;
      spans.push(makeDrawn({ spanId, parentSpanId, name, notes, startMs, bar }, resources));
    });
    parents.push({ indent, spanId: spans.at(-1)?.spanId ?? '' });
  }
  const names = new Map([...labels].map(([label, id]) => [id, label]));
  return {
    traceId: spans[0]?.traceId ?? '',
    spans,
    id: (label) => labels.get(label) ?? `no span is drawn as ${label}`,
    label: (spanId) => names.get(spanId) ?? `no drawn span has the id ${spanId}`,
  };
}

interface Bar {
  readonly start: number;
  readonly length: number;
  readonly end: string;
}

function parse(line: string) {
  const match = LINE.exec(line);
  if (match === null) throw new Error(`got a line without a bar: ${line}; expected: name |===| key=value`);
  const [, indent = '', name = '', space = '', drawn = '', rest = ''] = match;
  const offset = indent.length + name.length + space.length;
  const bars = [...drawn.matchAll(/\|=*[|!X~]/g)].map((bar): Bar => ({
    start: offset + bar.index,
    length: bar[0].length - 1,
    end: bar[0].at(-1) ?? '',
  }));
  const notes = new Map<string, string>();
  for (const [, key = '', quoted, plain] of rest.matchAll(NOTE)) notes.set(key, quoted ?? plain ?? '');
  return { indent: indent.length, name, bars, notes };
}

interface Drawn {
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly notes: ReadonlyMap<string, string>;
  readonly startMs: number;
  readonly bar: Bar;
}

function makeDrawn(drawn: Drawn, resources: Map<string, Resource>): Span {
  const { name, notes, startMs, bar } = drawn;
  const [service = '', peer] = name.split('>');
  const durationMs = bar.length * MS_PER_COLUMN;
  const startUnixNano = START_UNIX_NANO + BigInt(startMs + Number(notes.get('skew') ?? 0)) * 1_000_000n;
  const failed = bar.end === 'X' || bar.end === '!';
  const message = notes.get('error') ?? '';
  return makeSpan({
    spanId: drawn.spanId,
    parentSpanId: drawn.parentSpanId,
    name: notes.get('op') ?? (peer === undefined ? `serve ${service}` : `call ${peer}`),
    kind: (notes.get('kind') as SpanKind | undefined) ?? (peer === undefined ? 'server' : 'client'),
    startUnixNano,
    endUnixNano: bar.end === '~' ? 0n : startUnixNano + BigInt(durationMs) * 1_000_000n,
    status: { code: failed ? 'error' : 'unset', message },
    attributes: attributesOf(notes, peer, bar.end === 'X', durationMs),
    resource: resourceOf(service, notes.get('instance') ?? '', notes.get('host') ?? '', resources),
  });
}

function resourceOf(
  service: string,
  instance: string,
  hostId: string,
  known: Map<string, Resource>,
): Resource {
  const key = `${service} ${instance}`;
  let resource = known.get(key);
  if (resource === undefined) {
    const attributes = new Map([
      ['service.name', service],
      ['service.instance.id', key],
    ]);
    if (hostId !== '') attributes.set('host.id', hostId);
    known.set(key, (resource = { attributes, droppedAttributes: 0, schemaUrl: '' }));
  }
  return resource;
}

/** Names by which a drawing shortens attributes. */
const SHORT: Record<string, string> = {
  type: 'error.type',
  code: 'http.response.status_code',
  left: 'sockeye.client.left_ms',
};
const OWN = new Set([
  'op',
  'kind',
  'peer',
  'error',
  'skew',
  'orphan',
  'instance',
  'host',
  'phase',
  'budget',
  'timer',
]);

function attributesOf(
  notes: ReadonlyMap<string, string>,
  peer: string | undefined,
  gaveUp: boolean,
  durationMs: number,
): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  const [host, port] = (notes.get('peer') ?? peer ?? '').split(':');
  if (host) attributes['server.address'] = host;
  if (port !== undefined) attributes['server.port'] = Number(port);
  const phase = notes.get('phase');
  if (gaveUp && phase !== undefined) {
    attributes['sockeye.timeout.phase'] = phase;
    attributes['sockeye.timeout.timer'] = notes.get('timer') ?? 'http_timeout';
    attributes['sockeye.timeout.elapsed_ms'] = durationMs;
    const budget = notes.get('budget');
    if (budget !== undefined) attributes['sockeye.timeout.budget_ms'] = Number(budget);
    if (!PHASES.some((known) => notes.has(known))) attributes[`sockeye.phase.${phase}_ms`] = durationMs;
  }
  for (const [key, text] of notes) {
    if (OWN.has(key)) continue;
    const name = (PHASES as readonly string[]).includes(key)
      ? `sockeye.phase.${key}_ms`
      : (SHORT[key] ?? key);
    attributes[name] =
      text === 'true'
        ? true
        : text === 'false'
          ? false
          : text === '' || Number.isNaN(Number(text))
            ? text
            : Number(text);
  }
  return attributes;
}
