/**
 * Counts traces into cells, a minute at a time: what each span adds to its operation, each call to its edge.
 *
 *     trace (all its rows) ─▶ pair caller and server ─▶ cell of (minute of the caller's start, series)
 *
 * A trace is always counted whole. When spans of a known trace arrive late, what it counted for before is taken out
 * (`sign` −1) and the trace is counted again with them: so a call whose server span comes a day later still moves to
 * its edge, and every sum stays exact.
 */
import type { MapEdge } from '../../serve/wire.ts';
import {
  addCell,
  countBudget,
  countTimeoutPhase,
  emptyCell,
  isEmptyCell,
  TIMEOUT_PHASES,
  type Cell,
} from './cell.ts';
import { bucketOf, countBucket, emptySketch } from './sketch.ts';
import { MINUTE_MS } from './steps.ts';
import type { SeriesKey } from './series.ts';
import type { TraceRows } from './trace-rows.ts';

/** What ids stand for; asked once for each. */
export interface RowNames {
  /** Of an operation. */
  service(operation: number): string;
  /** Of a peer. */
  edgeKind(peer: number): MapEdge['kind'];
  /** `service.version` of a resource; null when it says none. */
  version(resource: number): { readonly service: string; readonly version: string } | null;
}

/** Codes of the span table's columns. */
export interface RowCodes {
  readonly client: number;
  readonly producer: number;
  readonly server: number;
  readonly consumer: number;
  readonly ok: number;
  readonly error: number;
  readonly timeout: number;
  readonly isStream: number;
  readonly isRetry: number;
  readonly neverArrived: number;
}

export interface SeriesCell {
  readonly series: SeriesKey;
  readonly cell: Cell;
}

/** A server span of `service` answered a call to this peer. */
export interface Sighting {
  readonly peer: number;
  readonly service: string;
}

type Cells = Map<number, Cell>;

interface Minute {
  readonly operations: Cells;
  readonly entries: Cells;
  readonly versions: Cells;
  /** By caller's service, then by target and kind. */
  readonly edges: Map<number, Cells>;
}

const EDGE_KINDS: readonly MapEdge['kind'][] = ['http', 'rpc', 'db', 'messaging', 'tcp'];
const NO_ROW = -1;
/** In place of a bucket: counted, without a latency. */
const NOT_TIMED = -1;
const PHASE_NONE = TIMEOUT_PHASES.indexOf('none');

export class Tally {
  readonly #names: RowNames;
  readonly #codes: RowCodes;
  readonly #minutes = new Map<number, Minute>();
  readonly #services: string[] = [];
  readonly #serviceIds = new Map<string, number>();
  readonly #serviceOfOperation: number[] = [];
  readonly #kindOfPeer: number[] = [];
  readonly #versions: { readonly service: string; readonly version: string }[] = [];
  readonly #versionOfResource: number[] = [];
  readonly #sightings = new Map<number, Set<number>>();
  readonly #servers = new ServerIndex();
  #minuteStart = NaN;
  #minute: Minute | null = null;

  constructor(names: RowNames, codes: RowCodes) {
    this.#names = names;
    this.#codes = codes;
  }

  /** `sign` is 1 to count the trace, −1 to take out what it counted for. */
  add(trace: TraceRows, sign: 1 | -1): void {
    const { client, producer, server, consumer } = this.#codes;
    this.#servers.fill(trace, server, consumer);
    for (let row = 0; row < trace.count; row++) {
      const minute = this.#minuteOf(trace.startMs[row]!);
      const kind = trace.kind[row]!;
      const isStream = (trace.flags[row]! & this.#codes.isStream) !== 0;
      const bucket = isStream ? NOT_TIMED : bucketOf(trace.durationMs[row]!);
      const operation = trace.operation[row]!;
      // What is normal for a call is what its successes took; one given up was cut off at its caller's budget.
      const isCutOff = (kind === client || kind === producer) && trace.outcome[row] !== this.#codes.ok;
      const normal = isCutOff ? NOT_TIMED : bucket;
      count(cellOf(minute.operations, operation), trace, row, normal, sign, this.#codes, false);
      const version = this.#versionOf(trace.resource[row]!);
      if (version >= 0) cellOf(minute.versions, version).calls += sign;
      if (kind === client || kind === producer) {
        if (trace.peer[row] !== 0) this.#addCall(minute, trace, row, bucket, sign);
      } else if (kind === server && trace.parentIdLow[row] === 0 && trace.parentIdHigh[row] === 0) {
        const service = this.#serviceOf(operation);
        count(cellOf(minute.entries, service), trace, row, bucket, sign, this.#codes, false);
      }
    }
  }

  #addCall(minute: Minute, trace: TraceRows, row: number, bucket: number, sign: 1 | -1): void {
    const peer = trace.peer[row]!;
    const server = this.#servers.find(trace, row);
    const caller = this.#serviceOf(trace.operation[row]!);
    const callee = server === NO_ROW ? peer : this.#serviceOf(trace.operation[server]!);
    let edges = minute.edges.get(caller);
    if (edges === undefined) minute.edges.set(caller, (edges = new Map()));
    const target = callee * 2 + (server === NO_ROW ? 1 : 0);
    const cell = cellOf(edges, target * EDGE_KINDS.length + this.#kindOf(peer));
    count(cell, trace, row, bucket, sign, this.#codes, true);
    const flags = trace.flags[row]!;
    if (flags & this.#codes.isRetry) cell.retries += sign;
    if (server === NO_ROW) {
      if (flags & this.#codes.neverArrived) cell.neverArrived += sign;
      return;
    }
    if (bucket >= 0) {
      countBucket((cell.serverLatency ??= emptySketch()), bucketOf(trace.durationMs[server]!), sign);
    }
    if (sign > 0 && trace.kind[row] === this.#codes.client && trace.kind[server] === this.#codes.server) {
      this.#see(peer, callee);
    }
  }

  /** Cells that came out as nothing are left out, except that of an operation only ever seen. */
  *minutes(): Generator<{ readonly stepUnixMs: number; readonly cells: SeriesCell[] }> {
    for (const [stepUnixMs, minute] of this.#minutes) {
      const cells: SeriesCell[] = [];
      for (const [operation, cell] of minute.operations) {
        cells.push({ series: { type: 'operation', operation }, cell });
      }
      for (const [service, cell] of minute.entries) {
        cells.push({ series: { type: 'entry', service: this.#services[service]! }, cell });
      }
      for (const [version, cell] of minute.versions) {
        cells.push({ series: { type: 'version', ...this.#versions[version]! }, cell });
      }
      for (const [caller, edges] of minute.edges) {
        for (const [key, cell] of edges) cells.push({ series: this.#edgeSeries(caller, key), cell });
      }
      yield { stepUnixMs, cells: cells.filter(({ cell }) => !isUnchanged(cell)) };
    }
  }

  sightings(): Sighting[] {
    return [...this.#sightings].flatMap(([peer, services]) =>
      [...services].map((service) => ({ peer, service: this.#services[service]! })),
    );
  }

  #edgeSeries(caller: number, key: number): SeriesKey {
    const edgeKind = EDGE_KINDS[key % EDGE_KINDS.length]!;
    const target = Math.floor(key / EDGE_KINDS.length);
    const id = Math.floor(target / 2);
    const isPeer = target % 2 === 1;
    const callerService = this.#services[caller]!;
    return isPeer
      ? { type: 'edge', caller: callerService, calleeService: null, peer: id, edgeKind }
      : { type: 'edge', caller: callerService, calleeService: this.#services[id]!, peer: null, edgeKind };
  }

  #see(peer: number, service: number): void {
    const known = this.#sightings.get(peer);
    if (known === undefined) this.#sightings.set(peer, new Set([service]));
    else known.add(service);
  }

  #minuteOf(startMs: number): Minute {
    // Rows of a trace nearly always share the minute of the one before.
    if (this.#minute !== null && startMs >= this.#minuteStart && startMs < this.#minuteStart + MINUTE_MS) {
      return this.#minute;
    }
    this.#minuteStart = Math.floor(startMs / MINUTE_MS) * MINUTE_MS;
    let minute = this.#minutes.get(this.#minuteStart);
    if (minute === undefined) {
      minute = { operations: new Map(), entries: new Map(), versions: new Map(), edges: new Map() };
      this.#minutes.set(this.#minuteStart, minute);
    }
    this.#minute = minute;
    return minute;
  }

  #serviceOf(operation: number): number {
    return (this.#serviceOfOperation[operation] ??= this.#serviceId(this.#names.service(operation)));
  }

  #serviceId(service: string): number {
    let id = this.#serviceIds.get(service);
    if (id === undefined) {
      id = this.#services.push(service) - 1;
      this.#serviceIds.set(service, id);
    }
    return id;
  }

  #kindOf(peer: number): number {
    return (this.#kindOfPeer[peer] ??= EDGE_KINDS.indexOf(this.#names.edgeKind(peer)));
  }

  #versionOf(resource: number): number {
    const known = this.#versionOfResource[resource];
    if (known !== undefined) return known;
    const named = this.#names.version(resource);
    let id = -1;
    if (named !== null) {
      id = this.#versions.findIndex(
        ({ service, version }) => service === named.service && version === named.version,
      );
      if (id < 0) id = this.#versions.push(named) - 1;
    }
    this.#versionOfResource[resource] = id;
    return id;
  }
}

/** The minutes' cells added up into hours, days: `stepMs` long steps. */
export function gatherSteps(
  minutes: Iterable<{ readonly stepUnixMs: number; readonly cells: ReadonlyMap<number, Cell> }>,
  stepMs: number,
): Map<number, Map<number, Cell>> {
  const steps = new Map<number, Map<number, Cell>>();
  for (const { stepUnixMs, cells } of minutes) {
    const start = Math.floor(stepUnixMs / stepMs) * stepMs;
    let step = steps.get(start);
    if (step === undefined) steps.set(start, (step = new Map()));
    for (const [series, cell] of cells) addCell(cellOf(step, series), cell);
  }
  return steps;
}

function cellOf(cells: Cells, key: number): Cell {
  let cell = cells.get(key);
  if (cell === undefined) cells.set(key, (cell = emptyCell()));
  return cell;
}

function count(
  cell: Cell,
  trace: TraceRows,
  row: number,
  bucket: number,
  sign: 1 | -1,
  codes: RowCodes,
  withGiveUp: boolean,
): void {
  cell.calls += sign;
  if (bucket >= 0) countBucket(cell.latency, bucket, sign);
  const outcome = trace.outcome[row]!;
  if (outcome === codes.error) cell.errors += sign;
  const giveUp = withGiveUp && trace.giveUps.size > 0 ? trace.giveUps.get(row) : undefined;
  if (outcome === codes.timeout) {
    cell.timeouts += sign;
    countTimeoutPhase(cell, giveUp?.phaseIndex ?? PHASE_NONE, sign);
  }
  if (giveUp !== undefined && giveUp.budgetMs !== null) countBudget(cell, giveUp.budgetMs, sign);
}

/** What a trace counted for before and counts for now may be the same. */
function isUnchanged(cell: Cell): boolean {
  return (
    isEmptyCell(cell) &&
    cell.errors === 0 &&
    cell.timeouts === 0 &&
    cell.neverArrived === 0 &&
    cell.retries === 0 &&
    (cell.timeoutPhases?.every((phase) => phase === 0) ?? true) &&
    (cell.budgets?.size ?? 0) === 0 &&
    cell.latency.counts.every((inBucket) => inBucket === 0) &&
    (cell.serverLatency?.counts.every((inBucket) => inBucket === 0) ?? true)
  );
}

/** Finds the server span of a call within a trace: the earliest whose parent it is. Made once and filled per trace. */
class ServerIndex {
  /** Open addressing on the parent's id; a row, or NO_ROW. */
  #slots = new Int32Array(1024).fill(NO_ROW);
  #mask = 1023;
  #used: number[] = [];

  fill(trace: TraceRows, server: number, consumer: number): void {
    for (const slot of this.#used) this.#slots[slot] = NO_ROW;
    this.#used = [];
    if (trace.count * 2 > this.#slots.length) {
      let length = this.#slots.length;
      while (length < trace.count * 2) length *= 2;
      this.#slots = new Int32Array(length).fill(NO_ROW);
      this.#mask = length - 1;
    }
    for (let row = 0; row < trace.count; row++) {
      const kind = trace.kind[row]!;
      if (kind !== server && kind !== consumer) continue;
      const high = trace.parentIdHigh[row]!;
      const low = trace.parentIdLow[row]!;
      if (high === 0 && low === 0) continue;
      const slot = this.#slotOf(trace, high, low);
      const known = this.#slots[slot]!;
      if (known === NO_ROW) this.#used.push(slot);
      if (known === NO_ROW || trace.startMs[row]! < trace.startMs[known]!) this.#slots[slot] = row;
    }
  }

  find(trace: TraceRows, call: number): number {
    if (this.#used.length === 0) return NO_ROW;
    return this.#slots[this.#slotOf(trace, trace.spanIdHigh[call]!, trace.spanIdLow[call]!)]!;
  }

  #slotOf(trace: TraceRows, parentHigh: number, parentLow: number): number {
    let slot = (parentLow ^ Math.imul(parentHigh, 0x9e3779b1)) & this.#mask;
    for (;;) {
      const row = this.#slots[slot]!;
      if (row === NO_ROW) return slot;
      if (trace.parentIdLow[row] === parentLow && trace.parentIdHigh[row] === parentHigh) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }
}
