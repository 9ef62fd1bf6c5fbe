/** A set that has one member most of the time. */
import { expect, it } from 'vitest';
import { Few } from '../../instrumentation/few.ts';

const [first, second, third] = [{ name: 'first' }, { name: 'second' }, { name: 'third' }];

it('a set of few keeps each member once, in the order in which they came', () => {
  const few = new Few<object>();
  expect([...few]).toEqual([]);
  for (const member of [first, second, first, third, second]) few.add(member);
  expect([...few]).toEqual([first, second, third]);
  expect(few.size).toBe(3);
  few.delete(second);
  few.add(second);
  expect([...few]).toEqual([first, third, second]);
});

it('when its first member leaves, the next one is the first', () => {
  const few = new Few<object>();
  for (const member of [first, second, third]) few.add(member);
  few.delete(first);
  expect([...few]).toEqual([second, third]);
  few.delete(third);
  expect(few.isOnly(second)).toBe(true);
  few.delete(second);
  expect(few.isOnly(second)).toBe(false);
  few.delete(second);
  expect([...few]).toEqual([]);
  expect(few.size).toBe(0);
});

it('members may leave while they are gone through: each is met once, but for those that have left before', () => {
  const few = new Few<object>();
  const all = () => {
    for (const member of [first, second, third]) few.add(member);
  };
  const metWhile = (change: (member: object) => void) => {
    const met: object[] = [];
    for (const member of few) {
      met.push(member);
      change(member);
    }
    return met;
  };
  all();
  expect(metWhile((member) => few.delete(member))).toEqual([first, second, third]);
  expect(few.size).toBe(0);
  all();
  expect(metWhile(() => few.delete(second))).toEqual([first, third]);
  few.delete(third);
  expect(metWhile(() => few.add(third))).toEqual([first, third]);
  expect([...few]).toEqual([first, third]);
});
