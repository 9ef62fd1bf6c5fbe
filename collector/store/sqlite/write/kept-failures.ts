/**
 * Keeps the rows of the traces that failed in a fold, as a small block beside the one that they are in: soon they are asked
 * for to be diagnosed, and lie there a few in each granule of thousands, whose columns would be read for them. What is not
 * kept, or no more, is read from the block.
 */
import type { SpanTable } from '../../columns/span-table.ts';
import type { PartRow } from '../block-parts.ts';
import type { FailedRows } from '../read/failed-rows.ts';
import type { Steps } from './jobs.ts';
import { makeBlock, type MadeBlock } from './make-block.ts';

/** What is held for a part, and for a trace, beside the bytes of the part. */
const PART_HEAP_BYTES = 150;
const TRACE_HEAP_BYTES = 130;
/** Of a fold's rows. Where more failed, many share a granule, and to write their rows twice is no longer little. */
const FAILED_SHARE_MAX = 0.03;
const FAILED_BYTES_MAX = 4_000_000;

interface Kept {
  readonly rows: FailedRows;
  readonly bytes: number;
  /** In hex: those that are not diagnosed yet. */
  readonly traceIds: Set<string>;
}

/** Not stored yet: its block has no id. */
type FailedBlock = Omit<FailedRows, 'blockId'>;
type Runs = readonly { readonly first: number; readonly end: number }[];

function* makeFailedBlock(table: SpanTable, order: Uint32Array, runs: Runs): Steps<MadeBlock | null> {
  const count = runs.reduce((sum, { first, end }) => sum + end - first, 0);
  if (count === 0 || count > FAILED_SHARE_MAX * order.length) return null;
  const rows = new Uint32Array(count);
  let at = 0;
  for (const { first, end } of runs) {
    rows.set(order.subarray(first, end), at);
    at += end - first;
  }
  return yield* makeBlock(table, rows, 'recent');
}

/** In one buffer of their own: small ones lie in memory that Node shares out, all of which is kept, and cloned, with each. */
function joinParts(parts: readonly PartRow[]): PartRow[] {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { data }) => sum + data.length, 0));
  let end = 0;
  return parts.map((part) => {
    joined.set(part.data, end);
    const data = joined.subarray(end, end + part.data.length);
    end += data.length;
    return { ...part, data };
  });
}

export class KeptFailures {
  /** The oldest first. */
  #kept: Kept[] = [];
  #said = '';

  /**
   * Of the rows that stand at `runs` of `order`; null when there are none, or too many. It only spares reading: where it
   * cannot be made, the fold goes on without.
   */
  *make(table: SpanTable, order: Uint32Array, runs: Runs): Steps<FailedBlock | null> {
    try {
      const made = yield* makeFailedBlock(table, order, runs);
      return made === null
        ? null
        : { granules: made.granules, spans: made.spans, parts: joinParts(made.parts) };
    } catch (error) {
      this.#say(String((error as Error).stack));
      return null;
    }
  }

  /** `failed` has all rows that the block has of these traces. */
  keep(blockId: number, failed: FailedBlock, traceIds: Iterable<string>): void {
    const waiting = new Set(traceIds);
    const { parts } = failed;
    const bytes =
      parts.reduce((sum, { data }) => sum + data.length + PART_HEAP_BYTES, 0) +
      TRACE_HEAP_BYTES * waiting.size;
    this.#kept.push({ rows: { blockId, ...failed }, bytes, traceIds: waiting });
    let all = this.#kept.reduce((sum, kept) => sum + kept.bytes, 0);
    while (all > FAILED_BYTES_MAX) all -= this.#kept.shift()!.bytes;
  }

  /** What is kept of any of these. */
  of(traceIds: readonly string[]): FailedRows[] {
    return this.#kept
      .filter((kept) => traceIds.some((traceId) => kept.traceIds.has(traceId)))
      .map(({ rows }) => rows);
  }

  /** They were diagnosed. */
  leave(traceIds: readonly string[]): void {
    for (const kept of this.#kept) for (const traceId of traceIds) kept.traceIds.delete(traceId);
    this.#kept = this.#kept.filter(({ traceIds: left }) => left.size > 0);
  }

  forget(): void {
    this.#kept = [];
  }

  /** Once: every fold may fail alike. */
  #say(message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    console.error(`sockeye: traces that failed are read from their block to be diagnosed: ${message}`);
  }
}
