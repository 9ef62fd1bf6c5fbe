/** Rows that speak of spans that are still open are told apart from spans. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { openSql } from '../../collector/store/sqlite/sql/open-sql.ts';
import { makeRequest, type SentSpan } from './make-request.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-sql-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function ask(query: string, spansMax = 1_000): { rows: unknown[][]; notices: string[] } {
  const sql = openSql({ folder, spansMax, sinceUnixMs: -Infinity });
  try {
    return { rows: [...sql.run(query).rows], notices: sql.notices() };
  } finally {
    sql.close();
  }
}

const snapshotOf = (trace: string, open: string, id: string): SentSpan => ({
  trace,
  id,
  parent: open,
  kind: 'internal',
  name: 'pending',
  durationMs: 0,
  attributes: {
    'sockeye.pending.span_id': open.padStart(16, '0'),
    'sockeye.pending.name': 'POST /pay',
    'sockeye.pending.reason': 'exit',
  },
});

test('snapshots of open spans are no spans, in requests and in blocks; a query can ask for them', async () => {
  const store = await openStore({ folder });
  try {
    await store.append(
      makeRequest(
        { trace: 'a', id: '1' },
        snapshotOf('a', '1', 'a1'),
        snapshotOf('a', '1', 'a2'),
        { trace: 'a', id: '2', parent: '1' },
        snapshotOf('b', '3', 'b1'),
      ),
    );
    const looks = () => {
      expect(ask('select service, count(*) from spans group by 1').rows).toEqual([['checkout', 2n]]);
      expect(ask('select count(*) from snapshots').rows).toEqual([[3n]]);
      const joined = `select p.span_id, s.attributes ->> 'sockeye.pending.name' from snapshots s
        join spans p on p.trace_id = s.trace_id and p.span_id = s.parent_id`;
      expect(ask(joined).rows).toEqual([1, 2].map(() => ['0000000000000001', 'POST /pay']));
      // As many spans as may be read, and the rows between them are none.
      expect(ask('select count(*) from spans', 2)).toEqual({ rows: [[2n]], notices: [] });
    };
    looks();
    await store.readCallGroups({ fromUnixMs: 0, toUnixMs: Date.now() * 2 });
    looks();
  } finally {
    await store.close();
  }
});
