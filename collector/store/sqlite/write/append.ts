/**
 * Takes requests into the table of spans that are in no block yet, and makes each group of them durable as one segment.
 */
import { DecodeError } from '../../../decode/decode-error.ts';
import { countItems, withoutNamelessSpans, type Signal } from '../../../decode/otlp-pieces.ts';
import { SPAN_ID_BYTES } from '../../columns/codes.ts';
import { encodeSegment } from '../../columns/encode-segment.ts';
import { markTable, truncateTable, type SpanTable } from '../../columns/span-table.ts';
import { takeRequest } from '../../columns/take-request.ts';
import { answerOf, type AppendAnswer, type RequestKind } from '../append-batches.ts';
import type { Connection } from '../open-database.ts';
import { packError } from '../thread.ts';
import type { ForwardQueue } from './forward-queue.ts';
import type { StoredInterner } from './interner.ts';
import {
  fingerprintOf,
  FingerprintSet,
  packFingerprints,
  type Fingerprint,
  type RecentRequests,
} from './recent-requests.ts';
import type { Unfolded } from './unfolded.ts';

export interface AppendParts {
  readonly database: Connection;
  readonly interner: StoredInterner;
  readonly recent: RecentRequests;
  /** Of what is forwarded. */
  readonly queue?: ForwardQueue;
}

/** More is not kept for the next segment. */
const ROOM_BYTES_KEPT = 1 << 20;

/** What is new in a commit. */
interface Group {
  readonly nowUnixMs: number;
  readonly fingerprints: Fingerprint[];
  readonly seen: FingerprintSet;
}

/** Answers each request; one that cannot be decoded is refused alone. Throws when the commit failed: nothing is stored then. */
export function createAppend({ database, interner, recent, queue }: AppendParts) {
  const insert = database.prepare('INSERT INTO segment VALUES (?, ?, ?, ?, ?)');
  let lastSegmentId =
    database.prepare<[], number | null>('SELECT max(segment_id) FROM segment').pluck().get() ?? 0;

  /** Used again by every segment: SQLite has taken it when `insert` returns. */
  let room = Buffer.allocUnsafeSlow(0);
  function roomOf(bytes: number): Buffer {
    if (bytes > ROOM_BYTES_KEPT) return Buffer.allocUnsafeSlow(bytes);
    if (room.length < bytes) room = Buffer.allocUnsafeSlow(Math.min(2 * bytes, ROOM_BYTES_KEPT));
    return room.subarray(0, bytes);
  }

  const isForwarded = queue?.wants('traces') ?? false;

  /**
   * The store keeps nothing of it. The same bytes again are not known for a repetition: of log records, which need have
   * no time, they may be others.
   */
  function passOn(signal: Signal, request: Buffer): AppendAnswer {
    if (queue?.wants(signal)) queue.add(signal, request, countItems(signal, request));
    return 0;
  }

  function take(table: SpanTable, request: Buffer, kind: RequestKind, group: Group): AppendAnswer {
    const mark = markTable(table);
    try {
      if (kind === 'metrics' || kind === 'logs') return passOn(kind, request);
      const taken = takeRequest(table, interner, request, group.nowUnixMs);
      const { refused, refusedMessage, warning } = taken;
      const spans = taken.toRow - taken.fromRow;
      if (spans === 0) return answerOf({ stored: 0, duplicate: 0, refused, refusedMessage, warning });
      const fingerprint = fingerprintOf(
        request,
        spanId(table, taken.fromRow),
        spanId(table, taken.toRow - 1),
      );
      if (recent.has(fingerprint) || group.seen.has(fingerprint)) {
        truncateTable(table, mark);
        return answerOf({ stored: 0, duplicate: spans, refused, refusedMessage, warning });
      }
      group.seen.add(fingerprint);
      group.fingerprints.push(fingerprint);
      if (isForwarded && kind === 'traces')
        queue?.add(kind, refused > 0 ? withoutNamelessSpans(request) : request, spans);
      return answerOf({ stored: spans, duplicate: 0, refused, refusedMessage, warning });
    } catch (error) {
      if (error instanceof DecodeError) return { error: packError(error) };
      throw error;
    }
  }

  return (
    unfolded: Unfolded,
    requests: readonly Buffer[],
    kinds: readonly RequestKind[] = [],
  ): AppendAnswer[] => {
    const { table } = unfolded;
    const mark = markTable(table);
    const group: Group = { nowUnixMs: Date.now(), fingerprints: [], seen: new FingerprintSet() };
    const segmentId = lastSegmentId + 1;
    try {
      const answers = database
        .transaction(() => {
          const taken = requests.map((request, at) => take(table, request, kinds[at] ?? 'traces', group));
          const spans = table.rows - mark.rows;
          if (spans > 0) {
            const data = encodeSegment(table, mark.rows, table.rows, roomOf);
            insert.run(segmentId, group.nowUnixMs, spans, packFingerprints(group.fingerprints), data);
          }
          queue?.write(group.nowUnixMs);
          return taken;
        })
        .immediate();
      queue?.settle(true);
      if (table.rows > mark.rows) {
        lastSegmentId = segmentId;
        unfolded.add(segmentId, group.nowUnixMs, group.fingerprints);
        for (const fingerprint of group.fingerprints) recent.add(fingerprint, group.nowUnixMs);
      }
      return answers;
    } catch (error) {
      truncateTable(table, mark);
      interner.forget();
      queue?.settle(false);
      throw error;
    }
  };
}

function spanId({ spanId: ids }: SpanTable, row: number): Uint8Array {
  return ids.subarray(row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
}
