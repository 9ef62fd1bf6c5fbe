/** What is kept of acknowledged and muted incidents is bounded, and what says nothing takes no room. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createIncidentStateReader } from '../../../collector/store/sqlite/read/incident-states.ts';
import { SCHEMA } from '../../../collector/store/sqlite/schema.ts';
import {
  createIncidentStates,
  INCIDENT_STATES_MAX,
} from '../../../collector/store/sqlite/write/incident-states.ts';

const database = new Database(':memory:').exec(SCHEMA);
const states = createIncidentStates(database);
const read = createIncidentStateReader(database);
const insert = database.prepare(
  `INSERT INTO verdict VALUES (randomblob(16), 0, 0, ?, 'a->b', 'wait', 'timeout', 'unknown', 'unknown', X'', X'', 0, 0, '', '', '', NULL, NULL)`,
);
const rows = () => database.prepare('SELECT count(*) FROM incident_state').pluck().get();

test('what says nothing any more leaves; of too many, the one that was changed first', () => {
  const names = Array.from({ length: INCIDENT_STATES_MAX + 1 }, (_, index) => `incident ${index}`);
  for (const fingerprint of names) insert.run(fingerprint);
  const [first = '', ...others] = names;
  states.change({ fingerprint: first, acknowledged: true });
  states.change({ fingerprint: first, acknowledged: false });
  expect(rows()).toBe(0);
  states.change({ fingerprint: first, acknowledged: true, mutedUntilUnixMs: Date.now() - 1 });
  expect(read()).toEqual([{ fingerprint: first, acknowledged: true, mutedUntilUnixMs: null }]);

  database.prepare('UPDATE incident_state SET changed_unix_ms = 0').run();
  for (const fingerprint of others) states.change({ fingerprint, acknowledged: true });
  expect(rows()).toBe(INCIDENT_STATES_MAX);
  expect(read().map(({ fingerprint }) => fingerprint)).not.toContain(first);
});
