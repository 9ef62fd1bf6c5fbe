/** The next checks of a verdict look at the right place, ask in the way its peer understands, and change nothing. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import type { AttributeValue } from '../../collector/span.ts';
import { verdictOf } from './expect-verdict.ts';
import { makeSpan } from './make-span.ts';

/** The commands for a call that timed out and says this of itself. */
function commandsFor(attributes: Record<string, AttributeValue>, kind: 'client' | 'producer' = 'client') {
  const call = makeSpan({ kind, status: { code: 'error', message: 'timed out' }, attributes });
  const { verdicts } = diagnoseTrace(call.traceId, [call], { normals: new Map() });
  return verdicts[0]!.nextChecks.map(({ command }) => command);
}

const programs = (commands: readonly string[]) =>
  new Set(commands.map((command) => command.split(' ', 1)[0] ?? ''));

describe('the next checks of a verdict', () => {
  const checks = (notes: string) =>
    verdictOf(`
      shop         |=====================!
        shop>bank  |====================X  phase=wait budget=2000 peer=bank:8443 ${notes}`).nextChecks;

  it('ask for what hung, by a method that changes nothing, and say so', () => {
    const found = checks('url.full=https://bank:8443/pay?token=x http.request.method=POST');
    const asking = found.filter(({ command }) => command.startsWith('curl'));
    expect(asking.length).toBeGreaterThan(0);
    for (const { command, text } of asking) {
      expect(command).toContain("'https://bank:8443/pay?token=REDACTED'");
      expect(command).not.toContain('POST');
      expect(text).toContain('(this asks by GET, the call was a POST)');
    }
  });

  it('hold a host only where a shell and the program take it for one', () => {
    const commands = (host: string) => {
      const attributes = { 'server.address': host, 'server.port': 443, 'sockeye.timeout.phase': 'connect' };
      const call = makeSpan({ status: { code: 'error', message: 'connect ETIMEDOUT' }, attributes });
      return diagnoseTrace(call.traceId, [call], { normals: new Map() }).verdicts[0]!.nextChecks.map(
        ({ command }) => command,
      );
    };
    expect(commands('::1')).toContain('nc -vz -w 5 ::1 443');
    expect(commands('db_1.internal')).toContain('nc -vz -w 5 db_1.internal 443');
    for (const host of ['-creboot', '--help', 'a b', '$(x)', "'", 'a\nb', 'x'.repeat(256)]) {
      expect(commands(host)).toContain('nc -vz -w 5 HOST 443');
    }
  });

  it('ask for the host alone where no more is known', () => {
    const asking = checks('').filter(({ command }) => command.startsWith('curl'));
    expect(asking.map(({ command }) => /'[^']*'$|'[^']*'(?= )/.exec(command)?.[0])).toContain(
      "'https://bank:8443/'",
    );
  });

  it('ask a database in its own way', () => {
    const at = (attributes: Record<string, AttributeValue>) =>
      programs(commandsFor({ 'server.address': 'db', 'server.port': 5000, ...attributes }));
    expect(at({ 'db.system': 'postgresql' })).toContain('psql');
    expect(at({ 'db.system.name': 'mariadb' })).toContain('mysql');
    expect(at({ 'db.system.name': 'redis' })).toContain('redis-cli');
    for (const system of ['mysql', 'redis', 'mongodb']) {
      const asked = at({ 'db.system': system });
      expect(asked).not.toContain('curl');
      expect(asked).not.toContain('psql');
    }
  });

  it('ask a database that speaks HTTP by HTTP', () => {
    const commands = commandsFor({
      'db.system.name': 'elasticsearch',
      'http.request.method': 'GET',
      'url.full': 'http://search:9200/products/_search',
    });
    expect(commands.some((command) => command.includes("'http://search:9200/products/_search'"))).toBe(true);
  });

  it('take what holds a statement of SQL, and says no more, for a database of either kind', () => {
    const commands = commandsFor({
      'sql.query': 'select 1',
      'peer.service': 'stock-db',
      'network.peer.address': '10.0.0.9',
      'network.peer.port': 3306,
    });
    expect(programs(commands)).toContain('psql');
    expect(programs(commands)).toContain('mysql');
    expect(programs(commands)).not.toContain('curl');
  });

  it('ask no broker by HTTP, and are never none', () => {
    const sent = { 'messaging.system': 'kafka', 'server.address': 'broker', 'server.port': 9092 };
    for (const kind of ['client', 'producer'] as const) {
      const commands = commandsFor({ ...sent, 'sockeye.timeout.phase': 'wait' }, kind);
      expect(commands.length).toBeGreaterThan(0);
      expect(programs(commands)).not.toContain('curl');
    }
  });

  it('ask no server of gRPC by a GET', () => {
    const call = { 'server.address': 'stock', 'server.port': 50051, 'sockeye.timeout.phase': 'wait' };
    expect(programs(commandsFor(call))).toContain('curl');
    expect(programs(commandsFor({ ...call, 'rpc.system.name': 'grpc' }))).not.toContain('curl');
    expect(programs(commandsFor({ ...call, 'rpc.system': 'grpc' }))).not.toContain('curl');
  });

  it("of a service's own work look where the call that asked for it went", () => {
    const commands = verdictOf(`
      shop>pay  |=========X          peer=pay:8080 phase=wait budget=1000 timer=abort_signal url.full=http://pay:8080/x
        pay     |================|`).nextChecks.map(({ command }) => command);
    expect(commands).toContain("ss -tnp state established 'sport = :8080'");
    expect(commands.find((command) => command.startsWith('curl'))).toContain("'http://pay:8080/x'");
    expect(commands.filter((command) => /HOST|PORT/.test(command))).toEqual([]);
  });

  it('of own work that was asked for by a step of its own look there as well', () => {
    const commands = verdictOf(`
      shop>pay     |=========X          peer=pay:8080 phase=wait budget=1000 timer=abort_signal
        pay        |================|
          pay      |================|   kind=internal op=render`).nextChecks.map(({ command }) => command);
    expect(commands).toContain("ss -tnp state established 'sport = :8080'");
  });
});
