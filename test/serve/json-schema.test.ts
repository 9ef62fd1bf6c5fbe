import { expect, it } from 'vitest';
import { list, named, nullable, object, text, time, integer } from '../../collector/serve/schema.ts';
import { faultsOf } from './json-schema.ts';

const components = {
  Span: object<{ id: string; at: string; tags?: string[]; parent: unknown }>(
    { id: text, at: time, tags: list(text), parent: nullable(named('Span')) },
    'tags',
  ),
};
const good = { id: 'a', at: '2026-01-01T00:00:00.000Z', parent: null };
const faults = (value: unknown) => faultsOf(value, named('Span'), components);

it('finds nothing wrong with what fits', () => {
  expect(faults(good)).toEqual([]);
  expect(faults({ ...good, tags: ['x'], parent: good })).toEqual([]);
  expect(faultsOf(1, integer, {})).toEqual([]);
});

it.each([
  [{ ...good, id: 1 }, '$.id: 1 is not of type string'],
  [{ ...good, at: 'soon' }, '$.at: soon is not an RFC 3339 time'],
  [{ ...good, tags: ['x', 2] }, '$.tags[1]: 2 is not of type string'],
  [{ ...good, extra: 1 }, '$.extra: not described'],
  [{ id: 'a', parent: null }, '$.at: missing'],
  [{ ...good, parent: { ...good, parent: 7 } }, '$.parent.parent: 7 is not of type object'],
  [[], '$: [] is not of type object'],
])('finds what does not: %j', (value, fault) => {
  expect(faults(value)).toContain(fault);
});
