import { expect, it } from 'vitest';
import { peerOf } from '../../../collector/query/callee.ts';
import { UNKNOWN_PEER } from '../../../collector/serve/compatible/named-calls.ts';
import { makeSpan } from '../../diagnose/make-span.ts';

it('a call that names nobody is known by the name that the map gives it', () => {
  expect(peerOf(makeSpan({ kind: 'client' }))?.name).toBe(UNKNOWN_PEER);
  expect(peerOf(makeSpan({ kind: 'producer' }))?.name).toBe(UNKNOWN_PEER);
});
