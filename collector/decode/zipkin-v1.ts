/**
 * A span of Zipkin's v1 model becomes one or two of v2. Pure.
 *
 * A span of v1 has no kind and no sides: pairs of annotations say what happened where, and one span may have both sides.
 *
 *     cs ├──────────────────────────┤ cr        client: sent, received
 *            sr ├──────────────┤ ss             server: received, sent
 *     ms, ws                                    producer: sent to the broker, on the wire
 *            wr, mr                             consumer: off the wire, received
 *
 * Binary annotations are tags, but `ca`, `sa` and `ma` (value true): the address of the client, server or broker.
 */
import { isObject, readList, readMicroseconds, readObject, readText, type JsonObject } from './read-json.ts';

interface Annotation {
  /** Microseconds. */
  readonly timestamp: number;
  readonly value: string;
  readonly endpoint: JsonObject | null;
}

/** Of a side that is there, the first of `begin` is when it began. The first side that is there has the span's own times. */
const SIDES = [
  { kind: 'CLIENT', there: ['cs', 'cr'], begin: ['cs'], end: 'cr', peer: 'sa' },
  { kind: 'SERVER', there: ['sr', 'ss'], begin: ['sr'], end: 'ss', peer: 'ca' },
  { kind: 'PRODUCER', there: ['ms'], begin: ['ms'], end: 'ws', peer: 'ma' },
  { kind: 'CONSUMER', there: ['mr'], begin: ['wr', 'mr'], end: 'mr', peer: 'ma' },
] as const;
type Side = (typeof SIDES)[number];
const ADDRESSES: ReadonlySet<unknown> = new Set(SIDES.map(({ peer }) => peer));

type Span = Record<string, unknown> & {
  localEndpoint: JsonObject | null;
  readonly tags: Record<string, string>;
  readonly annotations: object[];
};

/** Whether it is a span of v1, as far as that shows. */
export function isZipkinV1(span: unknown): boolean {
  if (!isObject(span)) return false;
  const [annotation] = Array.isArray(span.annotations) ? (span.annotations as unknown[]) : [];
  return 'binaryAnnotations' in span || (isObject(annotation) && 'endpoint' in annotation);
}

/** Throws DecodeError naming the place. */
export function fromZipkinV1(item: unknown, where: string): JsonObject[] {
  const source = readObject(item, where);
  const annotations = readList(source.annotations, `${where}.annotations`).map((annotation, index) =>
    readAnnotation(annotation, `${where}.annotations[${index}]`),
  );
  const core = new Map(
    annotations
      .filter(({ endpoint }) => endpoint !== null)
      .map((annotation) => [annotation.value, annotation]),
  );
  const sides = SIDES.filter(({ there }) => there.some((value) => core.has(value)));
  const spans = sides.map((side, index) => spanOfSide(source, side, core, index > 0));
  if (spans.length === 0)
    spans.push(newSpan(source, { timestamp: source.timestamp, duration: source.duration }));
  const isTime = new Set<string>(sides.flatMap(({ begin, end }) => [...begin, end]));
  for (const { timestamp, value, endpoint } of annotations) {
    if (endpoint === null || !isTime.has(value))
      spanAt(spans, endpoint).annotations.push({ timestamp, value });
  }
  readBinaryAnnotations(source, spans, where);
  return spans;
}

function newSpan({ traceId, parentId, id, name, debug }: JsonObject, more: object): Span {
  return {
    traceId,
    parentId,
    id,
    name,
    debug,
    localEndpoint: null,
    annotations: [],
    // Without a prototype: names of tags are only names.
    tags: Object.create(null) as Span['tags'],
    ...more,
  };
}

/** `isSecond`: its times are not the span's own. */
function spanOfSide(
  source: JsonObject,
  { kind, begin, end }: Side,
  core: ReadonlyMap<string, Annotation>,
  isSecond: boolean,
): Span {
  const started = begin.map((value) => core.get(value)).find((annotation) => annotation !== undefined);
  const ended = core.get(end);
  const { timestamp, duration } = source;
  const hasOwnTimes = !isSecond && Boolean(timestamp) && Boolean(duration);
  // What a server shares with its client, the client times: a server that gives no time of its own shares its id.
  const isTimedElsewhere = kind === 'SERVER' && (!timestamp || (ended !== undefined && !duration));
  // A clock that was set back between the two took nothing from what was done.
  const measuredUs =
    started && ended && ended !== started ? Math.max(0, ended.timestamp - started.timestamp) : undefined;
  return newSpan(source, {
    kind,
    localEndpoint: (started ?? ended)?.endpoint,
    timestamp: hasOwnTimes ? timestamp : (started?.timestamp ?? timestamp),
    duration: hasOwnTimes ? duration : (measuredUs ?? (isSecond ? undefined : duration)),
    ...((isSecond || isTimedElsewhere) && { shared: true }),
  });
}

function readBinaryAnnotations(source: JsonObject, spans: readonly Span[], where: string): void {
  const addresses = new Map<string, JsonObject>();
  for (const [index, item] of readList(source.binaryAnnotations, `${where}.binaryAnnotations`).entries()) {
    const at = `${where}.binaryAnnotations[${index}]`;
    const { key: name, value, endpoint: place } = readObject(item, at);
    const key = readText(name, `${at}.key`);
    const endpoint = readEndpoint(place, at);
    if (value === true && ADDRESSES.has(key)) {
      if (endpoint !== null) addresses.set(key, endpoint);
      continue;
    }
    const span = spanAt(spans, endpoint);
    // An empty one only says where a span without sides was.
    if (key === 'lc' && value === '') continue;
    span.tags[key] = isScalar(value) ? String(value) : readText(value, `${at}.value`);
  }
  for (const span of spans) addRemote(span, addresses);
}

function addRemote(span: Span, addresses: ReadonlyMap<string, JsonObject>): void {
  const side = SIDES.find(({ kind }) => kind === span['kind']);
  const [sa, ca] = [addresses.get('sa'), addresses.get('ca')];
  if (side === undefined) {
    if (sa !== undefined) span['remoteEndpoint'] = sa;
    else if (ca !== undefined) Object.assign(span, { kind: 'SERVER', remoteEndpoint: ca });
    return;
  }
  const remote = addresses.get(side.peer);
  if (remote === undefined) return;
  // Some give the address of the client's socket under the server's own name: it did not call itself.
  const isItself = side.kind === 'SERVER' && remote.serviceName === span.localEndpoint?.serviceName;
  span['remoteEndpoint'] = isItself ? { ...remote, serviceName: undefined } : remote;
}

/** The span of the service there; the first one where none is, which then is there. */
function spanAt(spans: readonly Span[], endpoint: JsonObject | null): Span {
  const first = spans[0]!;
  if (endpoint === null) return first;
  first.localEndpoint ??= endpoint;
  return spans.find(({ localEndpoint }) => localEndpoint?.serviceName === endpoint.serviceName) ?? first;
}

function readAnnotation(item: unknown, where: string): Annotation {
  const { timestamp, value, endpoint } = readObject(item, where);
  return {
    timestamp: Number(readMicroseconds(timestamp, `${where}.timestamp`) / 1000n),
    value: readText(value, `${where}.value`),
    endpoint: readEndpoint(endpoint, where),
  };
}

function readEndpoint(endpoint: unknown, where: string): JsonObject | null {
  return endpoint === undefined || endpoint === null ? null : readObject(endpoint, `${where}.endpoint`);
}

function isScalar(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}
