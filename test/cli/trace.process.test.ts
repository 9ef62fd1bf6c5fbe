/** `sockeye trace ID` against a real collector. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Diagnosis, Trace } from '../../collector/serve/wire.ts';
import { startCollector, type Collector } from '../serve/start-collector.ts';
import { TRACE_ID } from '../serve/shop-trace.ts';
import { parseView } from '../../ui/app/route.ts';
import { CONTROLS, HOSTILE_ID, hostileTrace, send, sendShopTrace, sockeye, widest } from './shop.ts';

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  await sendShopTrace(collector.url);
  await send(collector.url, hostileTrace());
});
afterAll(() => collector.close());
const trace = (args: string[], environment = {}) =>
  sockeye(['trace', ...args], { SOCKEYE_URL: collector.url, ...environment });

test('the waterfall marks where the timeout started; the verdict says why, and what would decide', async () => {
  const { code, stdout, stderr } = await trace([TRACE_ID]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines[0]).toBe('gateway POST /buy');
  expect(stdout).toMatch(
    /\n▶ +└─ → POST +█+ +3\.001 s\n +dns +─ +0\.5 ms\n +connect, unfinished +░+ +3\.000 s\n +└ the timeout started here, in connect \(payments:8443\)\n/,
  );
  expect(stdout).toMatch(
    /⧗ checkout gave up on payments:8443 after 3\.00\d s: the TCP connect never\n {2}completed/,
  );
  expect(stdout).toMatch(/Evidence\n {2}span +the connect was open/);
  expect(stdout).toMatch(/It can also be\n {2}[A-G]\d /);
  expect(stdout).toContain('would decide: ');
  expect(stdout).toMatch(/Check next\n {2}1\. .*\n {5}\$ /);
  // Commands stay in one line, to be copied.
  expect(widest(lines.filter((line) => !line.startsWith('     $ ')).join('\n'))).toBeLessThanOrEqual(80);
  expect(widest((await trace([TRACE_ID], { COLUMNS: '120' })).stdout)).toBeGreaterThan(80);
});

test('the link at its end opens the page of the trace', async () => {
  const { stdout } = await trace([TRACE_ID]);
  const link = new URL(/^http\S+$/m.exec(stdout)![0]);
  expect(link.href).toBe(`${collector.url}/trace/${TRACE_ID}`);
  // The page reads the URL itself: what the server takes for one of its views and what the page does are two things.
  expect(parseView(link.pathname)).toEqual({ name: 'trace', traceId: TRACE_ID });
  const answer = await fetch(link);
  expect(answer.headers.get('content-type')).toContain('text/html');
});

test('an id is 1 to 32 hex digits, of either case', async () => {
  expect((await trace([TRACE_ID.toUpperCase()])).code).toBe(0);
  expect((await trace([HOSTILE_ID.replace(/^0+/, '')])).code).toBe(0);
});

test('--json is the trace of the API, with the verdicts of its diagnosis', async () => {
  const get = async <Shape>(path: string) => (await (await fetch(`${collector.url}${path}`)).json()) as Shape;
  const { verdicts } = await get<Diagnosis>(`/api/traces/${TRACE_ID}/diagnosis`);
  expect(verdicts.length).toBeGreaterThan(0);
  const said = JSON.parse((await trace([TRACE_ID, '--json'])).stdout) as unknown;
  expect(said).toEqual({ ...(await get<Trace>(`/api/traces/${TRACE_ID}`)), verdicts });
});

test('names that would steer a terminal are written out', async () => {
  const { stdout } = await trace([HOSTILE_ID, '--all']);
  expect(stdout).toContain('\\u001b[2J');
  expect(stdout).not.toMatch(CONTROLS);
});

test('what is wrong is said, with what was expected', async () => {
  const cases: [args: string[], code: number, message: RegExp][] = [
    [['abc'], 1, /no such trace.*expected the id of a stored trace/],
    [[], 2, /got nothing, expected the id of a trace, 1 to 32 hex digits/],
    [['xyz'], 2, /got "xyz", expected the id/],
    [['1'.repeat(33)], 2, /expected the id of a trace, 1 to 32/],
    [['a', 'b'], 2, /got 2 ids/],
    [['a', '--url', 'http://127.0.0.1:9999'], 1, /got a refused connection/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await trace(args);
    expect(ended, args.join(' ')).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
  }
  expect(await trace(['--help'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('sockeye trace ID') as string,
  });
});
