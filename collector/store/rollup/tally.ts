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
import { PairMap } from '../columns/pair-map.ts';
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
import { bucketOf, isZero } from './sketch.ts';
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

/** What a cell counts: the spans of an operation, the entries of a service, the spans of a version, the calls of an edge. */
const [OF_OPERATION, OF_ENTRY, OF_VERSION, OF_EDGE] = [0, 1, 2, 3] as const;
const TYPES = 4;

interface Minute {
  readonly stepUnixMs: number;
  readonly number: number;
  /** `key` is the operation, or the number of the service, version or edge. */
  readonly cells: { readonly type: number; readonly key: number; readonly cell: number }[];
}

/** Calls of a service by what they go to. */
interface Edge {
  readonly caller: number;
  readonly isPaired: boolean;
  /** The service called if the call is paired, else the peer. */
  readonly callee: number;
  readonly kind: number;
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
  // A span asks five times: with the engine's maps, counting takes a quarter longer.
  readonly #serviceOfOperation = new PairMap();
  readonly #kindOfPeer = new PairMap();
  readonly #versions: { readonly service: string; readonly version: string }[] = [];
  /** One more than the number of the version; 0 where there is none. */
  readonly #versionOfResource = new PairMap();
  readonly #edges: Edge[] = [];
  /** By caller, kind and whether it is paired, and by what it goes to. */
  readonly #edgeNumbers = new PairMap();
  readonly #sightings = new Map<number, Set<number>>();
  readonly #servers = new ServerIndex();
  #cells = 0;
  /** By minute and type, and by key. */
  readonly #cellNumbers = new PairMap();
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
      const ofOperation = this.#cellOf(minute, OF_OPERATION, operation);
      this.#count(ofOperation, normal, outcome, PHASE_NONE, sign);
      // Nor is what others took because of a give-up: it is counted once more, to be taken off.
      if (decided?.[line - first] === true && normal >= 0)
        this.#serverLatencies.add(ofOperation, normal, sign);
      const version = this.#versionOf(words[at + RESOURCE]!);
      if (version >= 0) {
        const cell = this.#cellOf(minute, OF_VERSION, version);
        this.#calls[cell]! += sign;
      }
      if (isCall) {
        if (words[at + PEER] !== 0) this.#addCall(minute, lines, line, bucket, sign);
      } else if (kind === SERVER && words[at + PARENT_LOW] === 0 && words[at + PARENT_HIGH] === 0) {
        const cell = this.#cellOf(minute, OF_ENTRY, this.#serviceOf(operation));
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
    const edge = this.#edgeOf(caller, isPaired, callee, this.#kindOf(peer));
    const cell = this.#cellOf(minute, OF_EDGE, edge);
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
    for (const minute of this.#minutes.values()) {
      const cells: SeriesCell[] = [];
      for (const { type, key, cell: number } of minute.cells) {
        const cell = this.#rare.get(number) ?? emptyCell();
        cell.calls = this.#calls[number]!;
        cell.latency = latencies.get(number) ?? cell.latency;
        cell.serverLatency = serverLatencies.get(number) ?? null;
        if (!isUnchanged(cell)) cells.push({ series: this.#seriesOf(type, key), cell });
      }
      yield { stepUnixMs: minute.stepUnixMs, cells };
    }
  }

  sightings(): Sighting[] {
    return [...this.#sightings].flatMap(([peer, services]) =>
      [...services].map((service) => ({ peer, service: this.#services[service]! })),
    );
  }

  #seriesOf(type: number, key: number): SeriesKey {
    if (type === OF_OPERATION) return { type: 'operation', operation: key };
    if (type === OF_ENTRY) return { type: 'entry', service: this.#services[key]! };
    if (type === OF_VERSION) return { type: 'version', ...this.#versions[key]! };
    const { caller, isPaired, callee, kind } = this.#edges[key]!;
    return {
      type: 'edge',
      caller: this.#services[caller]!,
      calleeService: isPaired ? this.#services[callee]! : null,
      peer: isPaired ? null : callee,
      edgeKind: EDGE_KINDS[kind]!,
    };
  }

  #see(peer: number, service: number): void {
    const known = this.#sightings.get(peer);
    if (known === undefined) this.#sightings.set(peer, new Set([service]));
    else known.add(service);
  }

  #cellOf(minute: Minute, type: number, key: number): number {
    const first = minute.number * TYPES + type;
    let cell = this.#cellNumbers.get(first, key);
    if (cell < 0) {
      cell = this.#cells++;
      this.#cellNumbers.set(first, key, cell);
      minute.cells.push({ type, key, cell });
      if (this.#cells > this.#calls.length) {
        const larger = new Int32Array(2 * this.#calls.length);
        larger.set(this.#calls);
        this.#calls = larger;
      }
    }
    return cell;
  }

  #edgeOf(caller: number, isPaired: boolean, callee: number, kind: number): number {
    const first = (caller * EDGE_KINDS.length + kind) * 2 + Number(isPaired);
    let edge = this.#edgeNumbers.get(first, callee);
    if (edge < 0) {
      edge = this.#edges.push({ caller, isPaired, callee, kind }) - 1;
      this.#edgeNumbers.set(first, callee, edge);
    }
    return edge;
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
      minute = { stepUnixMs, number: this.#minutes.size, cells: [] };
      this.#minutes.set(stepUnixMs, minute);
    }
    this.#minute = minute;
    return minute;
  }

  #serviceOf(operation: number): number {
    let service = this.#serviceOfOperation.get(operation, 0);
    if (service < 0) {
      service = this.#serviceId(this.#names.service(operation));
      this.#serviceOfOperation.set(operation, 0, service);
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
    let kind = this.#kindOfPeer.get(peer, 0);
    if (kind < 0) {
      kind = EDGE_KINDS.indexOf(this.#names.edgeKind(peer));
      this.#kindOfPeer.set(peer, 0, kind);
    }
    return kind;
  }

  #versionOf(resource: number): number {
    const known = this.#versionOfResource.get(resource, 0);
    if (known >= 0) return known - 1;
    const named = this.#names.version(resource);
    let id = -1;
    if (named !== null) {
      id = this.#versions.findIndex(
        ({ service, version }) => service === named.service && version === named.version,
      );
      if (id < 0) id = this.#versions.push(named) - 1;
    }
    this.#versionOfResource.set(resource, 0, id + 1);
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
    isZero(cell.latency) &&
    (cell.serverLatency === null || isZero(cell.serverLatency))
  );
}
