/** The types of wire.ts as JSON Schemas, for `/api/openapi.json`; one component per type, of the same name. */
import { PHASES } from '../diagnose/verdict.ts';
import type { HostView } from '../diagnose/hosts/host-view.ts';
import type { ProcessView } from '../diagnose/hosts/process-view.ts';
import type * as Causes from '../diagnose/verdict.ts';
import {
  anything,
  boolean,
  dictionary,
  integer,
  list,
  named,
  nullable,
  number,
  object,
  text,
  time,
  words,
  type Schema,
} from './schema.ts';
import type * as Wire from './wire.ts';
import { comparison, latencySchemas } from './wire-schemas-latency.ts';
import { cursor, outcomes, PHASES_OR_NONE, traceSchemas } from './wire-schemas-traces.ts';

export const GIVE_UP_KINDS: readonly Causes.GiveUpKind[] = [
  'timeout',
  'refused',
  'reset',
  'unreachable',
  'unresolved',
  'tls',
  'gateway',
  'cancelled',
];
const CONFIDENCE = words<Causes.Confidence>('proven', 'likely', 'possible', 'unknown');

const stats = { ...outcomes, p50Ms: number, p95Ms: number, p99Ms: number };

const forwardedCounts = { sent: integer, refused: integer, dropped: integer, queued: integer };

const general = {
  WireError: object<Wire.WireError>({
    error: object<Wire.WireError['error']>(
      { code: text, message: text, got: text, expected: text, position: integer },
      'got',
      'expected',
      'position',
    ),
  }),
  Hosts: object<Wire.Hosts>({
    hosts: list(
      object<Wire.Hosts['hosts'][number]>({
        host: text,
        networkNamespace: text,
        addresses: list(text),
        reports: list(
          object<Wire.Hosts['hosts'][number]['reports'][number]>({ at: time, counters: dictionary(number) }),
        ),
        processes: list(
          object<Wire.Hosts['hosts'][number]['processes'][number]>({
            service: text,
            pid: text,
            instance: text,
            thread: text,
            at: time,
            values: dictionary(number),
          }),
        ),
      }),
    ),
  }),
  Status: object<Wire.Status>({
    version: text,
    addresses: object<Wire.Status['addresses']>(
      { otlpGrpc: text, otlpHttp: text, web: text, zipkin: text, jaegerHttp: text, jaegerGrpc: text },
      'zipkin',
      'jaegerHttp',
      'jaegerGrpc',
    ),
    appCommand: nullable(text),
    startedAt: time,
    spans: {
      ...object<Wire.Status['spans']>({
        received: integer,
        stored: integer,
        refused: integer,
        dropped: integer,
        duplicate: integer,
        queued: integer,
      }),
      description: 'received = stored + refused + dropped + duplicate + queued, since start',
    },
    queue: object<Wire.Status['queue']>({ bytes: integer, max: integer }),
    diagnosis: object<Wire.Status['diagnosis']>({ backlog: integer }),
    store: object<Wire.Status['store']>({
      kind: text,
      bytes: integer,
      spans: integer,
      oldest: nullable(time),
    }),
    forward: list(
      object<Wire.Forwarded>({
        name: text,
        url: text,
        ...forwardedCounts,
        failing: boolean,
        lastError: nullable(text),
        lastErrorAt: nullable(time),
        queuedBytes: integer,
        metrics: nullable(object<Wire.ForwardedCounts>(forwardedCounts)),
        logs: nullable(object<Wire.ForwardedCounts>(forwardedCounts)),
      }),
    ),
  }),
  ServiceStats: object<Wire.ServiceStats>({ service: text, ...stats }),
  Services: object<Wire.Services>({ services: list(named('ServiceStats')), cursor }, 'cursor'),
  OperationStats: object<Wire.OperationStats>({ service: text, operation: text, ...stats }),
  Operations: object<Wire.Operations>({ operations: list(named('OperationStats')), cursor }, 'cursor'),
  AttributeKeys: object<Wire.AttributeKeys>(
    {
      attributes: list(object<Wire.AttributeKeys['attributes'][number]>({ key: text, count: integer })),
      cursor: nullable(text),
    },
    'cursor',
  ),
  AttributeValues: object<Wire.AttributeValues>(
    {
      key: text,
      values: list(object<Wire.AttributeValues['values'][number]>({ value: anything, count: integer })),
      cursor: nullable(text),
    },
    'cursor',
  ),
  Imported: object<Wire.Imported>({ stored: integer, duplicate: integer, refused: integer, message: text }),
  Purged: object<Wire.Purged>({ spans: integer }),
};

const map = {
  MapNode: object<Wire.MapNode>({
    id: text,
    kind: words<Wire.NodeKind>('service', 'database', 'messaging', 'external', 'user'),
    inferred: boolean,
    ...stats,
  }),
  MapEdge: object<Wire.MapEdge>({
    from: text,
    to: text,
    kind: words<Wire.MapEdge['kind']>('http', 'rpc', 'db', 'messaging', 'tcp'),
    ...stats,
    timeoutPhases: dictionary(integer),
    serverP95Ms: nullable(number),
    neverArrived: integer,
    budgetsMs: list(number),
    retries: integer,
  }),
  ServiceMap: object<Wire.ServiceMap>({
    from: time,
    to: time,
    truncated: boolean,
    nodes: list(named('MapNode')),
    edges: list(named('MapEdge')),
  }),
  MapTimeline: object<Wire.MapTimeline>({
    from: time,
    to: time,
    steps: list(object<Wire.MapTimeline['steps'][number]>(outcomes)),
    deploys: list(named('Deploy')),
  }),
  Deploy: object<Wire.Deploy>({ service: text, version: text, previous: text, back: boolean, at: time }),
  EdgeCalls: object<Wire.EdgeCalls>({
    from: time,
    to: time,
    caller: text,
    callee: text,
    calls: integer,
    durations: list(
      object<Wire.EdgeCalls['durations'][number]>({ minMs: number, maxMs: number, ...outcomes }),
    ),
    profiles: list(named('CallProfile')),
    budgets: list(
      object<Wire.EdgeCalls['budgets'][number]>({ budgetMs: number, timer: nullable(text), calls: integer }),
    ),
  }),
  CallProfile: object<Wire.CallProfile>({
    outcome: words<Wire.CallProfile['outcome']>('ok', 'timeout'),
    percent: { enum: [50, 95] },
    calls: integer,
    durationMs: number,
    phases: list(
      object<Wire.CallProfile['phases'][number]>({
        phase: words(...PHASES),
        durationMs: number,
        openShare: number,
      }),
    ),
  }),
  MapChange: object<Wire.MapChange>({ from: time, to: time, nodes: integer, edges: integer }),
};

const diagnosis = {
  GiveUp: object<Causes.GiveUp>({
    kind: words(...GIVE_UP_KINDS),
    spanId: text,
    service: text,
    at: time,
    budgetMs: nullable(number),
    timer: nullable(text),
    elapsedMs: number,
  }),
  Origin: object<Causes.Origin>({ spanId: text, service: text, peer: nullable(text), edge: text }),
  Evidence: object<Causes.Evidence>({
    text,
    spanId: nullable(text),
    attribute: nullable(text),
    value: { anyOf: [text, number, boolean, { type: 'null' }] },
    source: words<Causes.Evidence['source']>('client-kernel', 'host', 'span', 'history', 'population'),
  }),
  Verdict: object<Causes.Verdict>({
    giveUp: named('GiveUp'),
    origin: named('Origin'),
    openAtGiveUp: list(text),
    phase: PHASES_OR_NONE,
    cause: text,
    category: words<Causes.Category>(
      'network',
      'firewall',
      'server',
      'dns',
      'gateway',
      'client',
      'application',
      'unknown',
    ),
    title: text,
    reason: nullable(text),
    confidence: CONFIDENCE,
    sentence: text,
    evidence: list(named('Evidence')),
    alternatives: list(
      object<Causes.Alternative>({ cause: text, title: text, against: text, wouldDecide: text }),
    ),
    contributing: list(object<Causes.Verdict['contributing'][number]>({ cause: text, text })),
    nextChecks: list(object<Causes.Verdict['nextChecks'][number]>({ text, command: text })),
    path: list(text),
    abandonedMs: number,
    hosts: list(named('HostView')),
  }),
  HostView: object<HostView>({
    spanId: text,
    side: words<HostView['side']>('caller', 'callee'),
    host: text,
    networkNamespace: text,
    isCertain: boolean,
    from: time,
    to: time,
    coversCall: boolean,
    hasRoom: boolean,
    clocksAgree: boolean,
    counters: dictionary(object<HostView['counters'][string]>({ before: number, after: number })),
    unchanged: list(text),
    processes: list(
      object<ProcessView>(
        {
          service: text,
          pid: text,
          thread: text,
          from: nullable(time),
          at: time,
          coversCall: boolean,
          isSilent: boolean,
          values: dictionary(number),
          longestBlock: object<NonNullable<ProcessView['longestBlock']>>({
            since: time,
            until: time,
            clocksApartMs: nullable(number),
          }),
        },
        'longestBlock',
      ),
    ),
  }),
  Diagnosis: object<Causes.Diagnosis>({ traceId: text, complete: boolean, verdicts: list(named('Verdict')) }),
  Incident: object<Wire.Incident>({
    fingerprint: text,
    edge: text,
    phase: PHASES_OR_NONE,
    kind: words(...GIVE_UP_KINDS),
    cause: text,
    title: text,
    confidence: CONFIDENCE,
    candidates: integer,
    state: words<Wire.Incident['state']>('new', 'ongoing', 'resolved'),
    acknowledged: boolean,
    mutedUntil: nullable(time),
    count: integer,
    share: number,
    firstSeen: time,
    lastSeen: time,
    series: list(integer),
    entryPoints: list(
      object<Wire.Incident['entryPoints'][number]>({ service: text, operation: text, calls: integer }),
    ),
    ...comparison,
    traces: list(text),
  }),
  IncidentState: object<Wire.IncidentState>({ acknowledged: boolean, mutedUntil: nullable(time) }),
  Incidents: object<Wire.Incidents>(
    { incidents: list(named('Incident')), checkedCalls: integer, cursor },
    'cursor',
  ),
};

export const WIRE_SCHEMAS: Readonly<Record<string, Schema>> = {
  ...general,
  ...map,
  ...latencySchemas,
  ...traceSchemas,
  ...diagnosis,
};
