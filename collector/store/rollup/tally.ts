/**
 * Counts traces into cells, a minute at a time: what each span adds to its operation, each call to its edge.
 *
 *     trace (all its rows) ─▶ pair caller and server ─▶ cell of (minute of the caller's start, series)
 *
 * A trace is always counted whole. When spans of a known trace arrive late, what it counted for before is taken out
 * (`sign` −1) and the trace is counted again with them: so a call whose server span comes a day later still moves to
 * its edge, and every sum stays exact.
 */
import {
  CLIENT,
  ERROR,
  IS_RETRY,
  IS_SNAPSHOT,
  IS_STREAM,
  NEVER_ARRIVED,
  OK,
  PRODUCER,
  SERVER,
  TIMEOUT,
} from '../columns/codes.ts';
import type { MapEdge } from '../../serve/wire.ts';
import { countBudget, countTimeoutPhase, emptyCell, TIMEOUT_PHASES, type Cell } from './cell.ts';
import { decidedLines } from './decided-lines.ts';
import { LatencyCounts } from './latency-counts.ts';
import {
  CODES,
  durationMsOfLine,
  LINE_WORDS,
  OPERATION,
  PARENT_HIGH,
  PARENT_LOW,
  PEER,
  RESOURCE,
  startMsOfLine,
  type RowLines,
} from './row-lines.ts';
import { NO_SERVER, ServerIndex } from './server-index.ts';
import { bucketOf } from './sketch.ts';
import { MINUTE_MS } from './steps.ts';
import type { SeriesKey } from './series.ts';

/** What ids stand for; asked once for each. */
export interface RowNames {
  /** Of an operation. */
  service(operation: number): string;
  /** Of a peer. */
  edgeKind(peer: number): MapEdge['kind'];
  /** `service.version` of a resource; null when it says none. */
  version(resource: number): { readonly service: string; readonly version: string } | null;
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

/** Numbers of the cells of a minute, by what they count. */
interface Minute {
  readonly stepUnixMs: number;
  readonly operations: Map<number, number>;
  readonly entries: Map<number, number>;
  readonly versions: Map<number, number>;
  /** By caller's service, then by target and kind. */
  readonly edges: Map<number, Map<number, number>>;
}

const EDGE_KINDS: readonly MapEdge['kind'][] = ['http', 'rpc', 'db', 'messaging', 'tcp'];
/** In place of a bucket: counted, without a latency. */
const NOT_TIMED = -1;
const PHASE_NONE = TIMEOUT_PHASES.indexOf('none');
const FIRST_CELLS = 1 << 12;

export class Tally {
  readonly #names: RowNames;
  readonly #minutes = new Map<number, Minute>();
  readonly #services: string[] = [];
  readonly #serviceIds = new Map<string, number>();
  readonly #serviceOfOperation = new Map<number, number>();
  readonly #kindOfPeer = new Map<number, number>();
  readonly #versions: { readonly service: string; readonly version: string }[] = [];
  readonly #versionOfResource = new Map<number, number>();
  readonly #sightings = new Map<number, Set<number>>();
  readonly #servers = new ServerIndex();
  #cells = 0;
  #calls = new Int32Array(FIRST_CELLS);
  /** What few cells have, beside their calls and latencies. */
  readonly #rare = new Map<number, Cell>();
  readonly #latencies = new LatencyCounts();
  readonly #serverLatencies = new LatencyCounts();
  #minute: Minute | null = null;

  constructor(names: RowNames) {
    this.#names = names;
  }

  /** Lines `first` up to `end` are a trace. `sign` is 1 to count it, −1 to take out what it counted for. */
  add(lines: RowLines, first: number, end: number, sign: 1 | -1): void {
    const { words } = lines;
    this.#servers.fill(words, first, end);
    const decided = decidedLines(lines, first, end);
    for (let line = first, at = first * LINE_WORDS; line < end; line++, at += LINE_WORDS) {
      const flags = words[at + CODES]! >>> 16;
      if (flags & IS_SNAPSHOT) continue;
      const minute = this.#minuteOf(startMsOfLine(words, at));
      const kind = words[at + CODES]! & 0xff;
      const outcome = (words[at + CODES]! >>> 8) & 0xff;
      const isStream = (flags & IS_STREAM) !== 0;
      const bucket = isStream ? NOT_TIMED : bucketOf(durationMsOfLine(words, at));
      const operation = words[at + OPERATION]!;
      const isCall = kind === CLIENT || kind === PRODUCER;
      // What is normal for a call is what its successes took; one given up was cut off at its caller's budget.
      const normal = isCall && outcome !== OK ? NOT_TIMED : bucket;
      const ofOperation = this.#cellOf(minute.operations, operation);
      this.#count(ofOperation, normal, outcome, PHASE_NONE, sign);
      // Nor is what others took because of a give-up: it is counted once more, to be taken off.
      if (decided?.[line - first] === true && normal >= 0)
        this.#serverLatencies.add(ofOperation, normal, sign);
      const version = this.#versionOf(words[at + RESOURCE]!);
      if (version >= 0) {
        const cell = this.#cellOf(minute.versions, version);
        this.#calls[cell]! += sign;
      }
      if (isCall) {
        if (words[at + PEER] !== 0) this.#addCall(minute, lines, line, bucket, sign);
      } else if (kind === SERVER && words[at + PARENT_LOW] === 0 && words[at + PARENT_HIGH] === 0) {
        const cell = this.#cellOf(minute.entries, this.#serviceOf(operation));
        this.#count(cell, bucket, outcome, PHASE_NONE, sign);
      }
    }
  }

  #addCall(minute: Minute, { words, giveUps }: RowLines, line: number, bucket: number, sign: 1 | -1): void {
    const at = line * LINE_WORDS;
    const peer = words[at + PEER]!;
    const server = this.#servers.find(at);
    const isPaired = server !== NO_SERVER;
    const caller = this.#serviceOf(words[at + OPERATION]!);
    const callee = isPaired ? this.#serviceOf(words[server + OPERATION]!) : peer;
    let edges = minute.edges.get(caller);
    if (edges === undefined) minute.edges.set(caller, (edges = new Map()));
    const target = callee * 2 + (isPaired ? 0 : 1);
    const cell = this.#cellOf(edges, target * EDGE_KINDS.length + this.#kindOf(peer));
    const codes = words[at + CODES]!;
    const giveUp = giveUps.size > 0 ? giveUps.get(line) : undefined;
    this.#count(cell, bucket, (codes >>> 8) & 0xff, giveUp?.phaseIndex ?? PHASE_NONE, sign);
    const flags = codes >>> 16;
    if (giveUp !== undefined && giveUp.budgetMs !== null) {
      countBudget(this.#rareOf(cell), giveUp.budgetMs, sign);
    }
    if (flags & IS_RETRY) this.#rareOf(cell).retries += sign;
    if (!isPaired) {
      if (flags & NEVER_ARRIVED) this.#rareOf(cell).neverArrived += sign;
      return;
    }
    if (bucket >= 0) this.#serverLatencies.add(cell, bucketOf(durationMsOfLine(words, server)), sign);
    const isHttp = (codes & 0xff) === CLIENT && (words[server + CODES]! & 0xff) === SERVER;
    if (sign > 0 && isHttp) this.#see(peer, callee);
  }

  #count(cell: number, bucket: number, outcome: number, phaseIndex: number, sign: 1 | -1): void {
    this.#calls[cell]! += sign;
    if (bucket >= 0) this.#latencies.add(cell, bucket, sign);
    if (outcome === ERROR) this.#rareOf(cell).errors += sign;
    else if (outcome === TIMEOUT) {
      const rare = this.#rareOf(cell);
      rare.timeouts += sign;
      countTimeoutPhase(rare, phaseIndex, sign);
    }
  }

  /** Cells that came out as nothing are left out. To be called once, at the end. */
  *minutes(): Generator<{ readonly stepUnixMs: number; readonly cells: SeriesCell[] }> {
    const latencies = this.#latencies.sketches();
    const serverLatencies = this.#serverLatencies.sketches();
    const cellOf = (number: number): Cell => {
      const cell = this.#rare.get(number) ?? emptyCell();
      cell.calls = this.#calls[number]!;
      cell.latency = latencies.get(number) ?? cell.latency;
      cell.serverLatency = serverLatencies.get(number) ?? null;
      return cell;
    };
    for (const minute of this.#minutes.values()) {
      const cells: SeriesCell[] = [];
      const put = (series: SeriesKey, number: number): void => {
        const cell = cellOf(number);
        if (!isUnchanged(cell)) cells.push({ series, cell });
      };
      for (const [operation, cell] of minute.operations) put({ type: 'operation', operation }, cell);
      for (const [service, cell] of minute.entries) {
        put({ type: 'entry', service: this.#services[service]! }, cell);
      }
      for (const [version, cell] of minute.versions) {
        put({ type: 'version', ...this.#versions[version]! }, cell);
      }
      for (const [caller, edges] of minute.edges) {
        for (const [key, cell] of edges) put(this.#edgeSeries(caller, key), cell);
      }
      yield { stepUnixMs: minute.stepUnixMs, cells };
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

  #cellOf(cells: Map<number, number>, key: number): number {
    let cell = cells.get(key);
    if (cell === undefined) {
      cell = this.#cells++;
      cells.set(key, cell);
      if (this.#cells > this.#calls.length) {
        const larger = new Int32Array(2 * this.#calls.length);
        larger.set(this.#calls);
        this.#calls = larger;
      }
    }
    return cell;
  }

  #rareOf(cell: number): Cell {
    let rare = this.#rare.get(cell);
    if (rare === undefined) this.#rare.set(cell, (rare = emptyCell()));
    return rare;
  }

  #minuteOf(startMs: number): Minute {
    // Rows of a trace nearly always share the minute of the one before.
    const last = this.#minute;
    if (last !== null && startMs >= last.stepUnixMs && startMs < last.stepUnixMs + MINUTE_MS) return last;
    const stepUnixMs = Math.floor(startMs / MINUTE_MS) * MINUTE_MS;
    let minute = this.#minutes.get(stepUnixMs);
    if (minute === undefined) {
      minute = {
        stepUnixMs,
        operations: new Map(),
        entries: new Map(),
        versions: new Map(),
        edges: new Map(),
      };
      this.#minutes.set(stepUnixMs, minute);
    }
    this.#minute = minute;
    return minute;
  }

  #serviceOf(operation: number): number {
    let service = this.#serviceOfOperation.get(operation);
    if (service === undefined) {
      service = this.#serviceId(this.#names.service(operation));
      this.#serviceOfOperation.set(operation, service);
    }
    return service;
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
    let kind = this.#kindOfPeer.get(peer);
    if (kind === undefined) {
      kind = EDGE_KINDS.indexOf(this.#names.edgeKind(peer));
      this.#kindOfPeer.set(peer, kind);
    }
    return kind;
  }

  #versionOf(resource: number): number {
    const known = this.#versionOfResource.get(resource);
    if (known !== undefined) return known;
    const named = this.#names.version(resource);
    let id = -1;
    if (named !== null) {
      id = this.#versions.findIndex(
        ({ service, version }) => service === named.service && version === named.version,
      );
      if (id < 0) id = this.#versions.push(named) - 1;
    }
    this.#versionOfResource.set(resource, id);
    return id;
  }
}

/** What a trace counted for before and counts for now may be the same. */
function isUnchanged(cell: Cell): boolean {
  return (
    cell.calls === 0 &&
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
