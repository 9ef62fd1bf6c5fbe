/** Both recorders tell the same: a program whose spans go through the hook's own, and through OpenTelemetry's SDK. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSpans, type DecodedSpan } from './decode-spans.ts';
import { startReceiver } from './otlp-receiver.ts';
import { appFile, runApp, withHook, type AppRun } from './run-app.ts';

interface Recorded {
  run: AppRun;
  spans: DecodedSpan[];
}

let folder: string;
let own: Recorded;
let sdk: Recorded;

async function runWith(env: Record<string, string>): Promise<Recorded> {
  const receiver = await startReceiver();
  try {
    const hook = withHook(receiver.url);
    const run = await runApp(appFile('own-spans.cjs'), { flags: hook.flags, env: { ...hook.env, ...env } });
    return { run, spans: receiver.requests.flatMap((request) => decodeSpans(request).spans) };
  } finally {
    receiver.close();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-parity-'));
  own = await runWith({});
  sdk = await runWith({ SOCKEYE_SDK: '1' });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Spans by something that is the same in each run, with all else that must be the same; ids stand for what they name. */
function comparable(spans: DecodedSpan[]): Record<string, unknown>[] {
  const nameOf = (span: DecodedSpan) =>
    [span.name, span.attributes['url.full'] ?? span.attributes['url.path'] ?? '']
      .join(' ')
      .replace(/127\.0\.0\.1:\d{3,}/, 'SERVER');
  const byId = new Map(spans.map((span) => [span.spanId, nameOf(span)]));
  const known = (id: string) => byId.get(id) ?? id;
  const varies =
    /^(sockeye\.phase|sockeye\.connection\.(age|idle)|process\.uptime|sockeye\.process|sockeye\.tcp|.*\.port$|url\.full|server\.address)/;
  return spans
    .map((span) => ({
      name: nameOf(span),
      scope: span.scope,
      parent: known(span.parentSpanId),
      isOwnTrace: !spans.some(
        ({ spanId, traceId }) => spanId === span.parentSpanId && traceId !== span.traceId,
      ),
      traceState: span.traceState,
      flags: span.flags,
      kind: span.kind,
      status: span.status,
      attributes: Object.fromEntries(
        Object.entries(span.attributes)
          .map(([key, value]) => [key, varies.test(key) ? typeof value : value] as const)

          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
      events: span.events.map(({ nano, ...event }) => ({ ...event, nano: isStated(nano) ? nano : 'now' })),
      links: span.links,
      dropped: span.dropped,
      times: isStated(span.startNano) ? [span.startNano, span.endNano] : 'now',
    }))

    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.kind - b.kind));
}

/** Times that the program gave are of 2023. */
const isStated = (nano: bigint) => nano < 1_750_000_000_000_000_000n;

describe('the same program, recorded by either recorder', () => {
  it('hears the same from the OpenTelemetry API', () => {
    expect(own.run.stderr).toBe('');
    expect(own.run.stdout.split('\n').length).toBeGreaterThan(12);
    expect(own.run).toEqual(sdk.run);
  });

  it('leaves the same spans', () => {
    const [ownSpans, sdkSpans] = [comparable(own.spans), comparable(sdk.spans)];
    expect(ownSpans.map(({ name }) => name)).toEqual(sdkSpans.map(({ name }) => name));
    expect(ownSpans.length).toBeGreaterThanOrEqual(14);
    for (const [index, span] of ownSpans.entries()) {
      // OpenTelemetry's own does not count values that no attribute can have.
      const notCounted = span.name === 'everything ' ? { attributes: 2, events: 0, links: 0 } : undefined;
      expect(span).toEqual({ ...sdkSpans[index], ...(notCounted && { dropped: notCounted }) });
    }
  });

  it('names each key of a span once', () => {
    for (const { keys } of own.spans) expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('a module with options of the SDK', () => {
  const withModule = (text: string) => {
    const path = join(folder, 'options.cjs');
    writeFileSync(path, text);
    return runWith({ SOCKEYE_SDK: path });
  };

  it('may have an exporter, which gets the spans', async () => {
    const { run } = await withModule(`module.exports = { traceExporter: {
      export(spans, done) { process.stderr.write(spans.map(({ name }) => name + ' left').join('\\n') + '\\n'); done({ code: 0 }); },
      async forceFlush() {}, async shutdown() {},
    } };`);
    expect({ ...run, stderr: '' }).toEqual(own.run);
    expect(run.stderr).toContain('everything left\n');
  });

  it('does no harm when its exporter throws', async () => {
    const { run } = await withModule(`module.exports = { traceExporter: {
      export() { throw new Error('not today'); }, async forceFlush() {}, async shutdown() {},
    } };`);
    expect({ ...run, stderr: '' }).toEqual(own.run);
    expect(run.stderr).toMatch(/^sockeye: spans cannot be sent .*: not today\. The program goes on/);
  });

  it('does no harm when it cannot be loaded, and standard error says so', async () => {
    const { run, spans } = await withModule('module.exports = {');
    expect({ ...run, stderr: '' }).toEqual(own.run);
    expect(run.stderr).toMatch(/^sockeye: SOCKEYE_SDK names no module that loads, .*SyntaxError/);
    expect(spans.length).toBe(sdk.spans.length);
  });
});
