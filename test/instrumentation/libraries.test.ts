/** What the hook makes of the libraries' instrumentations, without any library: statements, attributes, names and paths. */
import { describe, expect, it } from 'vitest';
import { enabledLibraries } from '../../instrumentation/libraries/catalogue.ts';
import { redactSql, STATEMENT_CHARS_MAX } from '../../instrumentation/libraries/redact-sql.ts';
import { tidyAttributes } from '../../instrumentation/libraries/tidy-attributes.ts';
import { packageOf } from '../../instrumentation/libraries/watch-modules.ts';

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
