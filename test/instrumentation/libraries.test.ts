/** What the hook makes of the libraries' instrumentations, without any library: statements, attributes, names and paths. */
import { describe, expect, it } from 'vitest';
import { enabledLibraries, libraries } from '../../instrumentation/libraries/catalogue.ts';
import { watchGivingUp } from '../../instrumentation/libraries/giving-up.ts';
import { redactSql, STATEMENT_CHARS_MAX } from '../../instrumentation/libraries/redact-sql.ts';
import { tidyAttributes } from '../../instrumentation/libraries/tidy-attributes.ts';
import { packageOf } from '../../instrumentation/libraries/watch-modules.ts';
import { record } from './recording.ts';

describe('a statement', () => {
  it.each<['postgresql' | 'mysql', string, string]>([
    ['postgresql', `select * from t where id = $1 and n = 42`, `select * from t where id = $1 and n = ?`],
    ['postgresql', `select "name", t1.x2 from "it's"`, `select "name", t1.x2 from "it's"`],
    ['postgresql', `insert into t values ('it''s', -1.5e3, 0xff)`, `insert into t values (?, -?, ?)`],
    ['postgresql', `select 'C:\\', 'secret'`, `select ?, ?`],
    ['postgresql', `select E'it\\'s', 'secret'`, `select ?, ?`],
    ['postgresql', `select $$a 'secret'$$, $tag$ $$ $tag$ from t`, `select ?, ? from t`],
    ['postgresql', `select 1 -- it's\n from t /* 'x' */`, `select ? \n from t `],
    ['postgresql', `select '2020-01-01'::date, 5::int`, `select ?::date, ?::int`],
    ['mysql', 'select `it\'s` from t where a = "secret"', "select `it's` from t where a = ?"],
    ['mysql', `select 'it\\'s', 'secret', x'4D'`, `select ?, ?, ?`],
    ['mysql', `select 1 # it's\n from t`, `select ? \n from t`],
    ['mysql', `select * from t limit ? offset 10`, `select * from t limit ? offset ?`],
  ])('of %s: %s', (dialect, sql, redacted) => {
    expect(redactSql(sql, dialect)).toBe(redacted);
  });

  it.each(['postgresql', 'mysql'] as const)('keeps no part of a literal that has no end (%s)', (dialect) => {
    expect(redactSql("select 'secret", dialect)).toBe('select ?');
    expect(redactSql('select 1 /* secret', dialect)).toBe('select ? ');
    const long = `select '${'x'.repeat(STATEMENT_CHARS_MAX)}', 'secret'`;
    expect(redactSql(long, dialect)).toBe('select ?');
  });

  it('of a megabyte of quotes takes no time', () => {
    const odd = `${`'"$$`.repeat(300_000)}/*`;
    expect(redactSql(odd, 'postgresql').length).toBeLessThanOrEqual(STATEMENT_CHARS_MAX);
    expect(redactSql(odd, 'mysql').length).toBeLessThanOrEqual(STATEMENT_CHARS_MAX);
  });
});

describe('the attributes of a library’s span', () => {
  it('carry no secrets of URLs', () => {
    const tidied = tidyAttributes({
      'url.full': 'https://user:pw@host/a?token=x&page=2',
      'url.path': '/a?token=x&page=2',
      'http.target': '/a',
      'messaging.url': 'amqp://user:***@queue/shop',
    });
    expect(tidied).toEqual({
      'url.full': 'https://host/a?token=REDACTED&page=2',
      'url.path': '/a?token=REDACTED&page=2',
      'http.target': '/a',
      'messaging.url': 'amqp://queue/shop',
    });
  });

  it('carry statements up to a limit', () => {
    const { 'db.query.text': text } = tidyAttributes({ 'db.query.text': 'x'.repeat(1_000_000) });
    expect(String(text)).toHaveLength(STATEMENT_CHARS_MAX);
  });

  it('name the queue behind the default exchange, and else the exchange', () => {
    const of = (exchange: string) =>
      tidyAttributes({ 'messaging.destination': exchange, 'messaging.rabbitmq.routing_key': 'orders' });
    expect(of('')).toMatchObject({ 'messaging.destination.name': 'orders' });
    expect(of('events')).toMatchObject({ 'messaging.destination.name': 'events' });
    expect(tidyAttributes({ 'messaging.system': 'kafka' })).toEqual({ 'messaging.system': 'kafka' });
  });

  it.each([
    ['BLPOP', 'BLPOP jobs 0', true],
    ['brpoplpush', 'brpoplpush a b 0', true],
    ['SUBSCRIBE', 'SUBSCRIBE news', true],
    ['XREAD', 'XREAD BLOCK 0 STREAMS s $', true],
    ['XREAD', 'XREAD STREAMS s 0', false],
    ['BITCOUNT', 'BITCOUNT key', false],
    ['GET', 'GET BLOCK', false],
  ])('of Redis’ %s (%s) say whether it is long by design: %s', (operation, text, waits) => {
    const tidied = tidyAttributes({
      'db.system.name': 'redis',
      'db.operation.name': operation,
      'db.query.text': text,
    });
    expect(tidied['sockeye.stream']).toBe(waits ? true : undefined);
  });
});

describe('OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS', () => {
  const names = (environment: Record<string, string>) =>
    enabledLibraries(environment).map(({ name }) => name);

  it('choose the libraries; without them it is all', () => {
    expect(names({})).toEqual(expect.arrayContaining(['pg', 'fastify', 'nestjs-core']));
    expect(names({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'pg, express,http' })).toEqual(['pg', 'express']);
    expect(names({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg' })).not.toContain('pg');
    expect(
      names({
        OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'pg,koa',
        OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg',
      }),
    ).toEqual(['koa']);
  });
});

describe('the package of a file', () => {
  it.each([
    ['/app/node_modules/pg/lib/client.js', 'pg', '/app/node_modules/pg'],
    ['/app/node_modules/@nestjs/core/index.js', '@nestjs/core', '/app/node_modules/@nestjs/core'],
    [
      '/app/node_modules/.pnpm/pg@8/node_modules/pg/lib/index.js',
      'pg',
      '/app/node_modules/.pnpm/pg@8/node_modules/pg',
    ],
  ])('%s is %s', (file, packageName, folder) => {
    expect(packageOf(file, '/')).toEqual({ packageName, folder });
  });

  it('is none when the file is the program’s own', () => {
    expect(packageOf('/app/pg/lib/client.js', '/')).toBeUndefined();
  });

  it('is found in the paths of Windows', () => {
    expect(packageOf('C:\\app\\node_modules\\@hapi\\hapi\\lib\\index.js', '\\')).toEqual({
      packageName: '@hapi/hapi',
      folder: 'C:\\app\\node_modules\\@hapi\\hapi',
    });
  });
});

describe('a span of a library that fails', () => {
  const failed = 2;
  const attributesOf = async (name: string, error: Error) => {
    const recording = record();
    const gaveUp = libraries.find((library) => library.name === name)?.gaveUp;
    const span = watchGivingUp(recording.tracer.startSpan('query'), gaveUp);
    span.recordException(error);
    span.setStatus({ code: failed, message: error.message });
    span.end();
    return (await recording.ended())[0]!.attributes;
  };
  class SocketTimeoutError extends Error {}

  it.each([
    ['pg', new Error('Query read timeout'), undefined],
    ['redis', new SocketTimeoutError('Expecting data, but got none in 300ms.'), 300n],
    ['mongodb', new Error('connection 4 to 127.0.0.1:27017 timed out'), undefined],
  ])('by what is said of a timer of its own was given up by that (%s)', async (name, error, budgetMs) => {
    const attributes = await attributesOf(name, error);
    expect(attributes).toMatchObject({ 'sockeye.timeout.timer': 'app' });
    expect(attributes['sockeye.timeout.budget_ms']).toBe(budgetMs);
  });

  it.each([
    ['pg', 'canceling statement due to statement timeout'],
    ['mysql2', 'Lock wait timeout exceeded; try restarting transaction'],
    ['redis', 'ERR timeout'],
    ['mongodb', 'waiting for replication timed out'],
  ])('by a timer of its server’s was not given up here (%s)', async (name, message) => {
    const attributes = await attributesOf(name, new Error(message));
    expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.'))).toEqual([]);
  });

  it('may be the same for whatever a tracer does not record', () => {
    const span = record().tracer.startSpan('query');
    expect(watchGivingUp(watchGivingUp(span, undefined), undefined)).toBe(span);
    const unrecorded = record({ environment: { OTEL_TRACES_SAMPLER: 'always_off' } }).tracer.startSpan(
      'query',
    );
    expect(watchGivingUp(unrecorded, undefined)).toBe(unrecorded);
    expect(Object.keys(unrecorded)).not.toContain('setStatus');
  });
});
