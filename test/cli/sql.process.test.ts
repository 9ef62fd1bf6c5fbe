/** `sockeye sql`: spans and tables by SQL, beside a live collector and without one, and what is refused. */
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupStore } from '../../collector/store/sqlite/backup-store.ts';
import { openSql } from '../../collector/store/sqlite/sql/open-sql.ts';
import { FREE_PORTS, runCollector, startCollector, withFolder, type Collector } from '../main/collector.ts';
import { makeRequest, NOON_UNIX_MS, traceId, type SentSpan } from '../store/make-request.ts';

const entry = resolve('collector/cli/sockeye.ts');
const sql = (...args: string[]) => runCollector(['sql', ...args], { entry });

const AGO_MS = Date.now() - NOON_UNIX_MS;
const SPANS: readonly SentSpan[] = [
  { trace: 'a', id: '1', name: 'GET', attributes: { 'http.route': '/buy', 'big.number': 2 ** 40 } },
  {
    trace: 'a',
    id: '2',
    parent: '1',
    kind: 'client',
    name: 'pay',
    startMs: 1.5,
    durationMs: 3.25,
    error: 'ETIMEDOUT',
    attributes: { 'server.address': 'payments.local', 'error.type': 'ETIMEDOUT' },
    more: { events: [{ name: 'gave up', timeUnixNano: '5', attributes: [] }] },
  },
  { trace: 'b', id: '1', service: 'stock', name: 'count\u001b[2J\u202e' },
].map((span) => ({ ...span, startMs: (span.startMs ?? 0) + AGO_MS }) as SentSpan);

async function send({ otlpHttp }: Collector, ...spans: readonly SentSpan[]): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const body = new Uint8Array(makeRequest(...spans));
  expect((await fetch(`${otlpHttp}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
}

describe('beside a live collector', () => {
  let folder: string;
  let live: Collector;
  let close: () => void;
  const closed = new Promise<void>((done) => (close = done));
  let over: Promise<void>;

  beforeAll(async () => {
    await new Promise<void>((ready, fail) => {
      over = withFolder(async (made) => {
        folder = made;
        live = await startCollector([...FREE_PORTS, '--data', folder]);
        try {
          await send(live, ...SPANS);
          ready();
          await closed;
        } finally {
          await live.stop();
        }
      });
      over.catch(fail);
    });
  }, 30_000);
  afterAll(async () => {
    close();
    await over;
  });
  const ask = async (query: string, ...flags: string[]): Promise<unknown[]> => {
    const ended = await sql(query, '--data', folder, '--json', ...flags);
    expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' });
    return JSON.parse(ended.stdout) as unknown[];
  };

  const readOne = (query: string) => {
    const store = openSql({ folder, spansMax: 1_000, sinceUnixMs: -Infinity });
    try {
      const { columns, rows } = store.run(query);
      return { columns, row: [...rows][0]! };
    } finally {
      store.close();
    }
  };

  test('spans are counted as soon as they are acknowledged, as a table for people', async () => {
    const ended = await sql('select service, count(*) from spans group by 1', '--data', folder);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toBe(
      ['service   count(*)', '────────  ────────', 'checkout         2', 'stock            1', ''].join('\n'),
    );
  });

  test('every column says what was sent', async () => {
    const [, call] = (await ask("select * from spans where trace_id like '%a' order by start")) as [
      unknown,
      Record<string, string>,
    ];
    expect(call).toMatchObject({
      trace_id: traceId('a'),
      span_id: '0000000000000002',
      parent_id: '0000000000000001',
      service: 'checkout',
      operation: 'pay',
      name: 'pay',
      kind: 'client',
      status: 'error',
      status_message: 'ETIMEDOUT',
      outcome: 'timeout',
      error_type: 'ETIMEDOUT',
      duration_ms: 3.25,
      peer: 'payments.local',
      gave_up: 'timeout',
      scope: 'test',
      links: '[]',
    });
    expect(call['start']).toBe(`${new Date(NOON_UNIX_MS + AGO_MS + 1).toISOString().slice(0, -1)}500000Z`);
    expect(BigInt(call['start_unix_nano']!)).toBe(BigInt(NOON_UNIX_MS + AGO_MS) * 1_000_000n + 1_500_000n);
    expect(JSON.parse(call['attributes']!)).toMatchObject({ 'server.address': 'payments.local' });
    expect(JSON.parse(call['events']!)).toEqual([{ name: 'gave up', time_unix_nano: '5', attributes: {} }]);
    expect(JSON.parse(call['resource']!)).toEqual({ 'service.name': 'checkout' });
  });

  test('a column alone is the same as among all', () => {
    const where = 'from spans where parent_id is not null';
    const { columns, row } = readOne(`select * ${where}`);
    for (const [index, name] of columns.entries())
      expect(readOne(`select ${name} ${where}`)).toEqual({ columns: [name], row: [row[index]] });
  });

  test('attributes are found in their JSON, and what is joined is the same spans', async () => {
    expect(
      await ask(
        `select c.name, p.name as parent, p.operation, p.attributes ->> 'http.route' as route
         from spans c join spans p on p.span_id = c.parent_id and p.trace_id = c.trace_id`,
      ),
    ).toEqual([{ name: 'pay', parent: 'GET', operation: 'GET /buy', route: '/buy' }]);
    expect(await ask("select attributes ->> 'big.number' as n from spans where n is not null")).toEqual([
      { n: 2 ** 40 },
    ]);
  });

  test('the tables of the store are there', async () => {
    const [{ spans }] = (await ask(
      'select (select total(span_count) from block) + (select total(span_count) from segment) as spans',
    )) as [{ spans: number }];
    expect(spans).toBe(3);
  });

  test('more spans than may be read are said to be left out, and old ones are when asked', async () => {
    const ended = await sql('select count(*) as n from spans', '--spans', '2', '--json', '--data', folder);
    expect(JSON.parse(ended.stdout)).toEqual([{ n: 2 }]);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toMatch(/spans held the newest 2 spans alone; --spans N reads more/);
    expect(await ask('select count(*) as n from spans', '--spans', '3')).toEqual([{ n: 3 }]);
    await send(live, { trace: 'c', service: 'old', startMs: AGO_MS - 7_200_000 });
    expect(await ask("select service from spans where service = 'old'")).toEqual([{ service: 'old' }]);
    expect(await ask("select service from spans where service = 'old'", '--since', '1h')).toEqual([]);
  });

  test('what a sender wrote cannot move the cursor of a terminal', async () => {
    const { stdout } = await sql("select name from spans where service = 'stock'", '--data', folder);
    expect(stdout).toContain('count\\u001b[2J\\u202e');
    expect(stdout).not.toContain('\u001b');
  });

  test('nothing can be written, and the collector goes on', async () => {
    for (const query of [
      'delete from block',
      'create temp view v as select 1',
      "attach 'other' as other",
      'pragma journal_mode = delete',
      'pragma query_only = off',
      "vacuum into 'copy'",
      'begin immediate',
    ])
      expect(() => readOne(query), query).toThrow(/got a statement that does not read, expected .*SELECT/);
    const ended = await sql('delete from block', '--data', folder);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^sockeye: sql: got a statement/);
    await send(live, { trace: 'd', service: 'after' });
    expect(await ask("select count(*) as n from spans where service = 'after'")).toEqual([{ n: 1 }]);
  });

  test('a query that is wrong is answered with the place of the fault', () => {
    const cases: [query: string, message: RegExp][] = [
      ['selec 1', /syntax error" at character 1, expected/],
      ['select by, service\nfrom spans group byy 1', /near "byy?": syntax error" at character/],
      [
        'select servce from spans',
        /no such column: servce" at character 8.*\n +select servce from spans\n {9}\^\ncolumns of spans: trace_id,/,
      ],
      ["select 'span' from span", /no such table: span" at character 20[^]*tables: spans, address_service/],
      ["select 'abc", /unrecognized token: "'abc"" at character 8/],
      ['select (1', /incomplete input" at character 10/],
      ['select foo(1)', /no such function: foo" at character 8/],
      ['select 1; select 2', /more than one statement, expected one/],
      ['select ?', /expected one statement without parameters/],
      ['', /got nothing, expected one statement/],
      ["select json('{')", /got malformed JSON, expected a query that can be answered/],
    ];
    for (const [query, message] of cases) expect(() => readOne(query), query).toThrow(message);
  });
});

test('a store is read after its collector ended, however it did, and so is a backup of it', () =>
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    const copied = join(folder, 'copied');
    for (const [signal, trace] of [
      ['SIGTERM', '1'],
      ['SIGKILL', '2'],
    ] as const) {
      const collector = await startCollector([...FREE_PORTS, '--data', data]);
      await send(collector, { trace });
      collector.process.kill(signal);
      await collector.ended;
      const { stdout } = await sql('select count(*) as n from spans', '--json', '--data', data);
      expect(JSON.parse(stdout), signal).toEqual([{ n: Number(trace) }]);
    }
    await mkdir(copied);
    backupStore(data, join(copied, 'spans.sqlite'));
    expect((await sql('select count(*) as n from spans', '--json', '--data', copied)).stdout).toMatch(
      /"n":2/,
    );
    expect(await readdir(copied)).toEqual(['spans.sqlite']);
  }));

test('a log that lost what was acknowledged is not read as if it were whole', () =>
  withFolder(async (folder) => {
    const collector = await startCollector([...FREE_PORTS, '--data', folder]);
    for (const trace of ['1', '2', '3']) await send(collector, { trace });
    collector.process.kill('SIGKILL');
    await collector.ended;
    await truncate(join(folder, 'spans.sqlite-wal'), (await stat(join(folder, 'spans.sqlite-wal'))).size - 1);
    const { stdout, stderr } = await sql('select count(*) as n from spans', '--json', '--data', folder);
    expect(JSON.parse(stdout)).toEqual([{ n: 2 }]);
    expect(stderr).toMatch(/-wal is damaged: got \d+ whole pages, expected the \d+ that were committed/);
  }));

test('what is no store is refused, and says what it is', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'spans.sqlite');
    const refused = async (message: RegExp) => {
      const ended = await sql('select 1', '--data', folder);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(message);
    };
    await refused(/got no .*spans\.sqlite, expected a folder that a collector has used/);
    await writeFile(path, '');
    await refused(/got an empty file, expected a Sockeye store/);
    await writeFile(path, 'hello '.repeat(1_000));
    await refused(/not a database/);
    await rm(path);
    new Database(path).exec('CREATE TABLE notes (text)').close();
    await refused(/of another program/);
  }));

test('wrong use says what was expected', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [[], /got nothing, expected the query first[^]*Usage/],
    [['--json'], /got --json, expected the query first/],
    [['select 1', '--nonsense'], /--nonsense/],
    [['select 1', '--spans', 'many'], /--spans: got "many", expected how many/],
    [['select 1', '--since', 'noon'], /--since: got "noon", expected a duration/],
    [['select 1', '--since'], /--since/],
  ];
  for (const [args, message] of cases) {
    const ended = await sql(...args);
    expect(ended, args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
  }
  const help = await sql('--help');
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/Columns of spans:\n {2}trace_id/);
});
