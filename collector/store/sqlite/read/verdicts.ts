/** Reads which traces are due for diagnosis, and what earlier diagnoses said. */
import type { HostView } from '../../../diagnose/hosts/host-view.ts';
import type { Verdict } from '../../../diagnose/verdict.ts';
import { fingerprintOf } from '../../../query/incidents.ts';
import type { VerdictRow } from '../../../query/results.ts';
import type { Patience, TimeRange } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import { VERDICTS_TOGETHER, type VerdictPlace, type VerdictTexts } from '../verdict-texts.ts';
import type { EdgeNames, KeptEdge } from './edge-names.ts';
import { LeastRecent } from './least-recent.ts';

const VERDICTS_MAX = 20_000;
/** Addresses of calls whose name alone does not tell who is behind it: those of all verdicts of a range, and of the next. */
const ADDRESSES_KEPT_MAX = 2 * VERDICTS_MAX;

interface Row extends VerdictPlace {
  readonly trace_id: Buffer;
  readonly ordinal: number;
  readonly fingerprint: string;
  readonly cause: string;
  readonly origin_span_id: Buffer;
  readonly give_up_unix_ms: number;
  readonly entry_service: string;
  readonly entry_operation: string;
}

export function createVerdictReader(database: Connection, textOf: VerdictTexts, edgeNames: () => EdgeNames) {
  const due = database
    .prepare<[number, number, number], Buffer>(
      `SELECT trace_id FROM undiagnosed_trace WHERE last_arrived_unix_ms <= ? OR waiting_since_unix_ms <= ?
       ORDER BY waiting_since_unix_ms LIMIT ?`,
    )
    .pluck();
  const backlog = database.prepare<[], number>('SELECT count(*) FROM undiagnosed_trace').pluck();
  const inRange = database.prepare<[number, number, number], Row>(
    `SELECT trace_id, ordinal, fingerprint, cause, origin_span_id, give_up_unix_ms, entry_service, entry_operation,
       verdict_json, text_id, text_place
     FROM verdict WHERE give_up_start_unix_ms >= ? AND give_up_start_unix_ms < ?
     ORDER BY give_up_start_unix_ms DESC LIMIT ?`,
  );

  const keptEdge = database.prepare<[string], KeptEdge>(
    'SELECT edge, phase, kind, fingerprint FROM verdict WHERE fingerprint = ? LIMIT 1',
  );

  const ofTrace = database.prepare<[Buffer], VerdictPlace>(
    'SELECT verdict_json, text_id, text_place FROM verdict WHERE trace_id = ? ORDER BY ordinal',
  );

  const ofTraces = database
    .prepare<[string], Buffer>(
      'SELECT DISTINCT trace_id FROM verdict WHERE trace_id IN (SELECT unhex(value) FROM json_each(?))',
    )
    .pluck();

  const isDue = database
    .prepare<[Buffer], number>('SELECT EXISTS (SELECT 1 FROM undiagnosed_trace WHERE trace_id = ?)')
    .pluck();

  /** null for each that cannot be read. */
  const verdictsOf = (id: Buffer): (Verdict | null)[] =>
    ofTrace
      .all(id)
      .map(textOf)
      .map((json) => (json === null ? null : parseVerdict(json)));

  const addressesKept = new LeastRecent<number, string | null>(ADDRESSES_KEPT_MAX, () => 1);

  /** Where the call of a verdict went, which never changes. */
  function addressOf(row: Row): string | null {
    const read = () => {
      const json = textOf(row);
      return json === null ? null : parseVerdict(json).origin.peer;
    };
    const { text_id: textId, text_place: place } = row;
    return textId === null ? read() : addressesKept.get(textId * VERDICTS_TOGETHER + place!, read);
  }

  return {
    /** null where nothing was said, not all of it can be read, or the trace is due again. */
    readKept(traceId: string): Verdict[] | null {
      const id = Buffer.from(traceId, 'hex');
      if (isDue.get(id) === 1) return null;
      const kept = verdictsOf(id);
      if (kept.length === 0 || !kept.every((verdict) => verdict !== null)) return null;
      const names = edgeNames();
      return kept.map((verdict) => nameVerdict(verdict, names));
    },
    /** Those of these traces that anything was said of. */
    someJudged: (traceIds: readonly string[]): ReadonlySet<string> =>
      new Set(ofTraces.all(JSON.stringify(traceIds)).map((id) => id.toString('hex'))),
    readHostViews: (traceId: string): HostView[] =>
      verdictsOf(Buffer.from(traceId, 'hex')).flatMap((verdict) => verdict?.hosts ?? []),
    readUndiagnosed({ quietMs, waitMs }: Patience, limit: number) {
      const nowUnixMs = Date.now();
      const ids = due.all(nowUnixMs - quietMs, nowUnixMs - waitMs, limit);
      return { traceIds: ids.map((id) => id.toString('hex')), backlog: backlog.get() ?? 0 };
    },
    /** Where none of an incident and cause can be read, its rows are left out. */
    readVerdicts(range: TimeRange): VerdictRow[] {
      const incidentOf = nameIncidents(edgeNames(), (fingerprint) => keptEdge.get(fingerprint)!, addressOf);
      const told = new Set<string>();
      const rows = inRange.all(range.fromUnixMs, range.toUnixMs, VERDICTS_MAX).map((row) => {
        const incident = incidentOf(row);
        const kind = kindOf(incident, row);
        const json = told.has(kind) ? null : textOf(row);
        if (json !== null) told.add(kind);
        return verdictRow(row, incident, json);
      });
      return rows.filter((row) => told.has(kindOf(row, row)));
    },
  };
}

function kindOf({ fingerprint }: { fingerprint: string }, { cause }: { cause: string }): string {
  return `${fingerprint} ${cause}`;
}

interface IncidentNow {
  readonly edge: string;
  readonly fingerprint: string;
  /** Grows while rows are added. */
  readonly seenUnixMs: { first: number; last: number };
}

/** To which incident a row belongs by what its edge is called now; rows come newest first. */
function nameIncidents(
  names: EdgeNames,
  keptEdgeOf: (fingerprint: string) => KeptEdge,
  addressOf: (row: Row) => string | null,
): (row: Row) => IncidentNow {
  const incidents = new Map<string, IncidentNow>();
  /** By the fingerprint that rows are kept under, what all of them belong to. */
  const whole = new Map<string, IncidentNow>();
  /** By the same, of which some belong to another. */
  const parted = new Map<string, KeptEdge>();

  function find(row: Row): IncidentNow {
    const kept = parted.get(row.fingerprint) ?? keptEdgeOf(row.fingerprint);
    const { edge, fingerprint, isWhole } = names.nameNow(kept, () => addressOf(row));
    const here = { first: row.give_up_unix_ms, last: row.give_up_unix_ms };
    const seen = names.seen(fingerprint);
    let incident = incidents.get(fingerprint);
    if (incident === undefined) {
      // Until a verdict is kept under the new name, what somebody says of it is kept under the earlier one.
      const shown = seen === null ? row.fingerprint : fingerprint;
      incident = { edge, fingerprint: shown, seenUnixMs: { ...(seen ?? here) } };
      incidents.set(fingerprint, incident);
    }
    if (row.fingerprint !== fingerprint) {
      const { first, last } = (isWhole ? names.seen(row.fingerprint) : null) ?? here;
      incident.seenUnixMs.first = Math.min(incident.seenUnixMs.first, first);
      incident.seenUnixMs.last = Math.max(incident.seenUnixMs.last, last);
    }
    if (isWhole) whole.set(row.fingerprint, incident);
    else parted.set(row.fingerprint, kept);
    return incident;
  }

  return (row) => whole.get(row.fingerprint) ?? find(row);
}

function verdictRow(
  row: Row,
  { edge, fingerprint, seenUnixMs }: IncidentNow,
  json: string | null,
): VerdictRow {
  return {
    traceId: row.trace_id.toString('hex'),
    ordinal: row.ordinal,
    fingerprint,
    keptFingerprint: row.fingerprint,
    cause: row.cause,
    originSpanId: row.origin_span_id.toString('hex'),
    atUnixMs: row.give_up_unix_ms,
    seenUnixMs,
    entry: { service: row.entry_service, operation: row.entry_operation },
    verdict: json === null ? null : withEdge(parseVerdict(json), edge),
  };
}

/** As the map names its edge now; its words stay. */
export function nameVerdict(verdict: Verdict, names: EdgeNames): Verdict {
  const { origin, phase, giveUp } = verdict;
  const fingerprint = fingerprintOf(origin.edge, phase, giveUp.kind);
  const kept = { edge: origin.edge, phase, kind: giveUp.kind, fingerprint };
  return withEdge(verdict, names.nameNow(kept, () => origin.peer).edge);
}

function withEdge(verdict: Verdict, edge: string): Verdict {
  return { ...verdict, origin: { ...verdict.origin, edge } };
}

/** What an older version kept has no hosts, or none that rules could judge by. */
function parseVerdict(json: string): Verdict {
  const verdict = JSON.parse(json) as Omit<Verdict, 'hosts'> & Partial<Verdict>;
  return { ...verdict, hosts: (verdict.hosts ?? []).filter((view) => 'processes' in view) };
}
