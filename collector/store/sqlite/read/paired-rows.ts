/** Which span serves a call, where it lies beside the call's, and so whom it went to. */
import { calleeOf } from '../../../query/callee.ts';
import { CONSUMER, SERVER, SPAN_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import type { Names } from './names.ts';

/** The row, of the trace's rows `first` up to `end`, that answers the call of a row; -1 where none does. */
export function servingRow(granule: Granule, row: number, first: number, end: number): number {
  const { spanId, parentSpanId, kind } = granule;
  const at = row * SPAN_ID_BYTES;
  for (let other = first; other < end; other++) {
    if (kind[other] !== SERVER && kind[other] !== CONSUMER) continue;
    const parentAt = other * SPAN_ID_BYTES;
    let byte = 0;
    while (byte < SPAN_ID_BYTES && parentSpanId[parentAt + byte] === spanId[at + byte]) byte++;
    // Rows are in order of start: the earliest answered.
    if (byte === SPAN_ID_BYTES) return other;
  }
  return -1;
}

/** Without a parent: it was called from outside. */
export function isRoot({ parentSpanId }: Granule, row: number): boolean {
  const end = (row + 1) * SPAN_ID_BYTES;
  for (let at = row * SPAN_ID_BYTES; at < end; at++) if (parentSpanId[at] !== 0) return false;
  return true;
}

/** As the map names it. `serving` is the row that answers the call, -1 where none does; `remembered` who is behind an address. */
export function calleeOfRow(
  { peer: peers, operation }: Granule,
  row: number,
  serving: number,
  names: Pick<Names, 'peer' | 'service'>,
  remembered: ReadonlyMap<string, string>,
): string {
  const peer = names.peer(peers[row]!);
  const paired = serving < 0 ? null : names.service(operation[serving]!);
  return calleeOf(peer, paired, peer.address === null ? null : (remembered.get(peer.address) ?? null)).id;
}
