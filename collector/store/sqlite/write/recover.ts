/** What a start finds: spans that were acknowledged and not folded are read back from their segments. */
import { appendGranule } from '../../columns/append-granule.ts';
import { openSegment } from '../../columns/segment-granule.ts';
import { markTable, truncateTable } from '../../columns/span-table.ts';
import type { Connection } from '../open-database.ts';
import { readSegmentIds } from '../segment-ids.ts';
import { reasonOfDamage, type Damage } from './damage.ts';
import { REMEMBERED_MS, unpackFingerprints, type RecentRequests } from './recent-requests.ts';
import type { Unfolded } from './unfolded.ts';

interface SegmentRow {
  readonly segment_id: number;
  readonly arrived_unix_ms: number;
  readonly request_fingerprints: Buffer;
  readonly data: Buffer;
}

/** `makeRoom` gives where the next segment goes, which is not full. */
export function recoverSegments(
  database: Connection,
  damage: Damage,
  recent: RecentRequests,
  makeRoom: () => Unfolded,
): void {
  const readIds = readSegmentIds(database, (segmentId, reason) => damage.setAside({ segmentId }, reason));
  const select = database.prepare<[number], SegmentRow>('SELECT * FROM segment WHERE segment_id = ?');
  for (const segmentId of readIds()) {
    const unfolded = makeRoom();
    const mark = markTable(unfolded.table);
    try {
      const row = select.get(segmentId)!;
      appendGranule(unfolded.table, openSegment(row.data));
      const fingerprints = [...unpackFingerprints(row.request_fingerprints)];
      unfolded.add(segmentId, row.arrived_unix_ms, fingerprints);
      for (const fingerprint of fingerprints) recent.add(fingerprint, row.arrived_unix_ms);
    } catch (error) {
      const reason = reasonOfDamage(error);
      if (reason === null) throw error;
      truncateTable(unfolded.table, mark);
      damage.setAside({ segmentId }, reason);
    }
  }
}

export function recoverRequests(database: Connection, recent: RecentRequests): void {
  const rows = database
    .prepare<[number], { arrived_unix_ms: number; request_fingerprints: Buffer }>(
      'SELECT * FROM recent_requests WHERE arrived_unix_ms >= ? ORDER BY arrived_unix_ms',
    )
    .iterate(Date.now() - REMEMBERED_MS);
  for (const { arrived_unix_ms: arrivedUnixMs, request_fingerprints: packed } of rows) {
    for (const fingerprint of unpackFingerprints(packed)) recent.add(fingerprint, arrivedUnixMs);
  }
}
