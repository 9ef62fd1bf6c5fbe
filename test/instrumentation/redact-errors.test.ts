/** What is left of the errors of databases: all but the values that they quote. */
import { describe, expect, it } from 'vitest';
import { redactErrors, withoutValues } from '../../instrumentation/libraries/redact-errors.ts';
import type { Span } from '@opentelemetry/api';

describe('the message of a database ends where it quotes a value', () => {
  it.each([
    // PostgreSQL
    ['invalid input syntax for type integer: "s3cr3t"', 'invalid input syntax for type integer: ?'],
    ['value "s3cr3t" is out of range for type integer', 'value ?'],
    ['syntax error at or near "s3cr3t"', 'syntax error at or near ?'],
    ['invalid value for parameter "TimeZone": "s3cr3t"', 'invalid value for parameter "TimeZone": ?'],
    [
      'syntaxe en entrée invalide pour le type integer : « s3cr3t »',
      'syntaxe en entrée invalide pour le type integer : ?',
    ],
    ['ungültige Eingabesyntax für Typ integer: „s3cr3t“', 'ungültige Eingabesyntax für Typ integer: ?'],
    // MySQL, which does not mark quotes within
    ["Duplicate entry 's3cr3t' for key 'users.email'", 'Duplicate entry ?'],
    ["Duplicate entry 'it' s3cr3t' for key 'users.email'", 'Duplicate entry ?'],
    ["Incorrect integer value: 's3cr3t' for column `a`.`b` at row 1", 'Incorrect integer value: ?'],
    // Redis, MongoDB
    [
      "ERR unknown command 'GOT', with args beginning with: 's3cr3t' ",
      "ERR unknown command 'GOT', with args beginning with: ?",
    ],
    [
      'ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `bob`, `s3cr3t`, ',
      'ERR unknown command `HELLO`, with args beginning with: ?',
    ],
    [
      'E11000 duplicate key error collection: a.b index: c_1 dup key: { c: 7 }',
      'E11000 duplicate key error collection: a.b index: c_1 dup key: ?',
    ],
  ])('%s', (message, left) => {
    expect(withoutValues(message)).toBe(left);
  });
});

it.each([
  'relation "orders" does not exist',
  'duplicate key value violates unique constraint "users_email_key"',
  'null value in column "email" of relation "users" violates not-null constraint',
  "Access denied for user 'root'@'localhost' (using password: YES)",
  "Table 'shop.orders' doesn't exist",
  "Can't add new command when connection is in closed state",
  'Cannot add a child row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `user` FOREIGN KEY (`a`))',
  'canceling statement due to statement timeout',
  'Lock wait timeout exceeded; try restarting transaction',
  'sorry, too many clients already',
  "Socket timeout timeout. Expecting data, but didn't receive any in 300ms.",
  'connection 4 to 127.0.0.1:27017 timed out',
])('one that quotes names alone stays: %s', (message) => {
  expect(withoutValues(message)).toBe(message);
});

it('an exception keeps its type, its code and where it was thrown', () => {
  const recorded: unknown[] = [];
  const span = {
    isRecording: () => true,
    recordException: (exception: unknown) => recorded.push(exception),
    setStatus: (status: unknown) => recorded.push(status),
  };
  redactErrors(span as unknown as Span);
  const error = Object.assign(new RangeError('value: "s3cr3t\nof two lines"'), { code: '22003' });
  span.recordException(error);
  span.setStatus({ code: 2 });
  expect(recorded).toMatchObject([{ name: 'RangeError', code: '22003', message: 'value: ?' }, { code: 2 }]);
  const { stack } = recorded[0] as { stack: string };
  expect(stack).toMatch(/^RangeError: value: \?\n +at .*redact-errors\.test/);
  expect(stack).not.toContain('two lines');
});

it('an error that throws at who reads it is one', () => {
  const recorded: unknown[] = [];
  const span = {
    isRecording: () => true,
    recordException: (error: unknown) => recorded.push(error),
    setStatus() {},
  };
  redactErrors(span as unknown as Span);
  const odd = {
    get message(): string {
      throw new Error('read');
    },
  };
  span.recordException(odd);
  span.recordException({ message: Object.create(null) as string });
  expect(recorded).toEqual([
    { name: 'Error', message: '' },
    { name: 'Error', message: '' },
  ]);
});
