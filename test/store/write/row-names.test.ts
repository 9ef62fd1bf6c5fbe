/** Rows may speak of an operation, a peer or a resource that cannot be read: they are folded all the same. */
import { expect, test, vi } from 'vitest';
import { openForReading } from '../../../collector/store/sqlite/open-database.ts';
import { call, makeRequest, NOON_UNIX_MS } from '../make-request.ts';
import { folder } from '../new-folder.ts';
import { writeBlocks, writing } from '../write-blocks.ts';

const startMs = Date.now() - NOON_UNIX_MS;
const resource = { 'service.version': '1' };

test.each(['operation', 'peer', 'resource'])('no %s that spans of a stored trace refer to', (table) => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  writeBlocks(folder, [[makeRequest(...call('a', { id: '1', startMs, resource }))]]);
  writing(folder, (database) => database.exec(`DELETE FROM ${table}`));
  const late = ['2', '3'].map((id) => [makeRequest({ trace: 'a', id, parent: '1', startMs, resource })]);
  writeBlocks(folder, late);
  const database = openForReading(folder);
  expect(database.prepare('SELECT count(*) FROM block').pluck().get()).toBe(3);
  expect(database.prepare('SELECT count(*) FROM damage').pluck().get()).toBe(0);
  database.close();
  expect(said.mock.calls).toEqual([[expect.stringMatching(`damaged: ${table} 1: .*; sums go without$`)]]);
});
