/** What a span tells of a command of Redis: its keys, and no values. */
import { expect, it } from 'vitest';
import { redisStatement } from '../../instrumentation/libraries/redis-statement.ts';

it.each([
  ['get k', 'get k'],
  ['MGET a b', 'MGET a b'],
  ['HGET h field', 'HGET h field'],
  ['LRANGE l 0 -1', 'LRANGE l 0 -1'],
  ['XREAD BLOCK 0 STREAMS s $', 'XREAD BLOCK 0 STREAMS s $'],
  ['PING', 'PING'],
])('keys, positions and options: %s', (sent, told) => {
  const [name, ...args] = sent.split(' ');
  expect(redisStatement(name!, args)).toBe(told);
});

it.each([
  ['SET k s3cr3t EX 9', 'SET k [3 other arguments]'],
  ['hset h field s3cr3t', 'hset h field [1 other arguments]'],
  ['MSET a s3cr3t b s3cr3t', 'MSET a [3 other arguments]'],
  ['GETEX k EX 9', 'GETEX k [2 other arguments]'],
  ['SISMEMBER s s3cr3t', 'SISMEMBER s [1 other arguments]'],
  ['LREM l 0 s3cr3t', 'LREM l [2 other arguments]'],
  ['ZINCRBY z 1 s3cr3t', 'ZINCRBY z [2 other arguments]'],
  ['ZRANGE z [s3cr3t [s3cr3u BYLEX', 'ZRANGE z [3 other arguments]'],
  ['GEOADD g 1 2 s3cr3t', 'GEOADD g [3 other arguments]'],
  ['SMOVE a b s3cr3t', 'SMOVE a b [1 other arguments]'],
  ['AUTH bob s3cr3t', 'AUTH [2 other arguments]'],
  ['HELLO 3 AUTH bob s3cr3t', 'HELLO [4 other arguments]'],
  ['CONFIG SET requirepass s3cr3t', 'CONFIG SET [2 other arguments]'],
  ['MIGRATE h 1 k 0 9 AUTH s3cr3t', 'MIGRATE [7 other arguments]'],
  ['CUSTOM s3cr3t', 'CUSTOM [1 other arguments]'],
])('no values: %s', (sent, told) => {
  const [name, ...args] = sent.split(' ');
  expect(redisStatement(name!, args)).toBe(told);
  expect(
    redisStatement(
      name!,
      args.map((each) => Buffer.from(each)),
    ),
  ).toBe(told);
});

it.each([
  ['EVAL', ['return "s3cr3t"', 1, 'k', 's3cr3t'], 'EVAL ? 1 k [1 other arguments]'],
  ['evalsha', ['ab12', '2', 'k', 'l', 's3cr3t', 's3cr3t'], 'evalsha ab12 2 k l [2 other arguments]'],
  ['FCALL_RO', ['sum', 0, 's3cr3t'], 'FCALL_RO sum 0 [1 other arguments]'],
  ['EVAL', ['return "s3cr3t"', 'odd', 's3cr3t'], 'EVAL ? odd [1 other arguments]'],
  ['EVAL', [], 'EVAL'],
])('of a script its keys: %s %j', (name, args, told) => {
  expect(redisStatement(name, args)).toBe(told);
});
