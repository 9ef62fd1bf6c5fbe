/** Which span serves a call, wherever in its trace it lies, and so whom the call went to. */
import { calleeOf } from '../../../query/callee.ts';
import { CONSUMER, SERVER, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../columns/codes.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule, RunRows } from '../../columns/granule.ts';
import { startMsOf } from '../../columns/span-table.ts';
import type { Names } from './names.ts';
import { rowsOfTrace } from './trace-directory.ts';
import type { OnDamage, Unit } from './units.ts';

/** How long before and after a block's spans those may start that serve its calls. A message may wait for longer. */
const SERVER_REACH_MS = 3_600_000;
/** Traces are looked for in other blocks, for one answer: 1.5 µs each. */
const SERVER_LOOKUPS_MAX = 500_000;
/** Rows that are read there, those that are decoded with them included: 250 granules, a millisecond each. */
const SERVER_ROWS_MAX = 2_000_000;

export const NO_SERVER = -1;

/** A trace's rows of a granule, and where they are to be read. */
export interface CallRun {
  readonly unit: Unit;
  readonly granule: Granule;
  /** Its number among the granule's. */
  readonly run: number;
  readonly decoded: RunRows;
}

export interface ServerFinder {
  /** The operation of the span that serves the call of a row of `decoded.rows`; NO_SERVER where none is found. */
  find(of: CallRun, row: number): number;
  /** Whether all was looked through that may have one. */
  isWhole(): boolean;
}

/** For one answer. */
export function createServerFinder(units: readonly Unit[], onDamage: OnDamage): ServerFinder {
  let lookupsLeft = SERVER_LOOKUPS_MAX;
  let rowsLeft = SERVER_ROWS_MAX;
  let isWhole = true;
  const near = new Map<Unit, readonly Unit[]>();
  const opened = new WeakSet<Granule>();
  let beside: { readonly decoded: RunRows; readonly servers: Servers } | null = null;
  /** A trace of several granules is gone through once. */
  let anywhere: { readonly unit: Unit; readonly traceId: Buffer; readonly servers: Servers } | null = null;

  function besideOf(decoded: RunRows): Servers {
    if (beside?.decoded !== decoded) {
      const servers = new Servers();
      servers.add(decoded.rows, decoded.first, decoded.end);
      beside = { decoded, servers };
    }
    return beside.servers;
  }

  function nearOf(unit: Unit): readonly Unit[] {
    let found = near.get(unit);
    if (found === undefined) {
      const [from, to] = [unit.firstStartMs - SERVER_REACH_MS, unit.lastStartMs + SERVER_REACH_MS];
      found = units.filter(({ firstStartMs, lastStartMs }) => lastStartMs >= from && firstStartMs <= to);
      near.set(unit, found);
    }
    return found;
  }

  function addRows(servers: Servers, unit: Unit, number: number, traceId: Buffer): void {
    const granule = unit.granule(number, 'alone');
    if (!opened.has(granule)) rowsLeft -= granule.rows;
    opened.add(granule);
    const run = rowsOfTrace(granule, traceId);
    if (run === null) return;
    rowsLeft -= run.end - run.first;
    servers.add(granule, run.first, run.end);
  }

  function readable<T>({ name }: Unit, read: () => T, otherwise: T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      onDamage(`${name}: ${error.message}`);
      return otherwise;
    }
  }

  function anywhereOf({ unit, granule, run }: CallRun): Servers {
    const idAt = run * TRACE_ID_BYTES;
    const traceId = granule.traces.ids.subarray(idAt, idAt + TRACE_ID_BYTES);
    if (anywhere?.unit === unit && anywhere.traceId.equals(traceId)) return anywhere.servers;
    const servers = new Servers();
    anywhere = { unit, traceId, servers };
    const places = nearOf(unit).flatMap((other) => {
      if (lookupsLeft-- <= 0) return [];
      const numbers = readable(other, () => other.directory().granulesOf(traceId), []);
      return numbers.map((number) => ({ other, number }));
    });
    // In one granule alone, it was beside the call.
    for (const { other, number } of places.length > 1 ? places : []) {
      if (rowsLeft <= 0) break;
      readable(other, () => addRows(servers, other, number, traceId), undefined);
    }
    if (lookupsLeft < 0 || rowsLeft <= 0) isWhole = false;
    return servers;
  }

  return {
    find(of, row) {
      const operation = besideOf(of.decoded).find(of.decoded.rows, row);
      return operation === NO_SERVER ? anywhereOf(of).find(of.decoded.rows, row) : operation;
    },
    isWhole: () => isWhole,
  };
}

interface Server {
  readonly parentHigh: number;
  operation: number;
  startMs: number;
  /** Whose parent's id ends alike. */
  readonly next: Server | undefined;
}

/** Of each parent the earliest span that serves, among rows of a trace. */
class Servers {
  /** By the last four bytes of the parent's id. */
  readonly #byParent = new Map<number, Server>();

  add(granule: Granule, first: number, end: number): void {
    const { kind, parentSpanId, operation } = granule;
    for (let row = first; row < end; row++) {
      if (kind[row] !== SERVER && kind[row] !== CONSUMER) continue;
      const [high, low] = wordsOf(parentSpanId, row);
      if (high === 0 && low === 0) continue;
      const startMs = startMsOf(granule, row);
      const known = this.#find(high, low);
      if (known === undefined) {
        const next = this.#byParent.get(low);
        this.#byParent.set(low, { parentHigh: high, operation: operation[row]!, startMs, next });
      } else if (startMs < known.startMs) {
        known.startMs = startMs;
        known.operation = operation[row]!;
      }
    }
  }

  /** The operation of who serves the call. */
  find({ spanId }: Granule, row: number): number {
    const [high, low] = wordsOf(spanId, row);
    return this.#find(high, low)?.operation ?? NO_SERVER;
  }

  #find(high: number, low: number): Server | undefined {
    let server = this.#byParent.get(low);
    while (server !== undefined && server.parentHigh !== high) server = server.next;
    return server;
  }
}

function wordsOf(ids: Uint8Array, row: number): readonly [number, number] {
  const at = row * SPAN_ID_BYTES;
  return [wordAt(ids, at), wordAt(ids, at + 4)];
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Without a parent: it was called from outside. */
export function isRoot({ parentSpanId }: Granule, row: number): boolean {
  const end = (row + 1) * SPAN_ID_BYTES;
  for (let at = row * SPAN_ID_BYTES; at < end; at++) if (parentSpanId[at] !== 0) return false;
  return true;
}

/** As the map names it. `serving` is the operation that serves the call, or NO_SERVER; `remembered` who is behind an address. */
export function calleeOfRow(
  { peer: peers }: Granule,
  row: number,
  serving: number,
  names: Pick<Names, 'peer' | 'service'>,
  remembered: ReadonlyMap<string, string>,
): string {
  const peer = names.peer(peers[row]!);
  const paired = serving === NO_SERVER ? null : names.service(serving);
  return calleeOf(peer, paired, peer.address === null ? null : (remembered.get(peer.address) ?? null)).id;
}
