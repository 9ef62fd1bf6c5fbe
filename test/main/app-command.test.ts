import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appCommand, sayVariables } from '../../collector/app-command.ts';

/** For localhost and 127.0.0.1, signed by itself. */
const cert = readFileSync(join(import.meta.dirname, 'localhost.cert.pem'));
const usual = { otlpGrpc: '127.0.0.1:4317', hook: '/opt/hook.cjs', node: 'node', hasToken: false, tls: null };
const tls = { cert, certFile: '/etc/cert.pem', asksForClient: false };

describe('the command that starts a service with the hook', () => {
  it('says nothing that the hook does by itself', () => {
    expect(appCommand(usual)).toBe('node --require /opt/hook.cjs app.js');
  });

  it('is none without the hook', () => {
    expect(appCommand({ ...usual, hook: null })).toBeNull();
  });

  it('names another address, and one that can be reached for all interfaces', () => {
    for (const [otlpGrpc, url] of [
      ['127.0.0.1:5317', 'http://127.0.0.1:5317'],
      ['0.0.0.0:5317', 'http://127.0.0.1:5317'],
      ['[::]:5317', 'http://127.0.0.1:5317'],
      ['10.0.0.7:4317', 'http://10.0.0.7:4317'],
    ] as const) {
      expect(appCommand({ ...usual, otlpGrpc })).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=${url} node`);
    }
    expect(appCommand({ ...usual, otlpGrpc: '0.0.0.0:4317' })).toBe(appCommand(usual));
  });

  it('takes the token from a variable, which is named in words', () => {
    const command = appCommand({ ...usual, hasToken: true })!;
    expect(command).toMatch(/^OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer \$SOCKEYE_TOKEN" node/);
    expect(sayVariables(command)).toContain('SOCKEYE_TOKEN');
    expect(sayVariables(appCommand(usual)!)).toBeNull();
  });

  it('names a certificate that is its own CA, and a host that it is for', () => {
    expect(appCommand({ ...usual, tls })).toBe(
      'OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:4317 OTEL_EXPORTER_OTLP_CERTIFICATE=/etc/cert.pem node --require /opt/hook.cjs app.js',
    );
    expect(appCommand({ ...usual, otlpGrpc: '10.0.0.7:4317', tls })).toContain('=https://localhost:4317 ');
  });

  it('asks for a client’s certificate where the collector does', () => {
    const command = appCommand({ ...usual, tls: { ...tls, asksForClient: true } })!;
    expect(command).toContain('OTEL_EXPORTER_OTLP_CLIENT_KEY="$CLIENT_KEY"');
    expect(sayVariables(command)).toContain('CLIENT_CERT and CLIENT_KEY');
  });

  it('names the Node that the shell’s is too old for', () => {
    expect(appCommand({ ...usual, node: '/src/my code/node' })).toBe(
      "'/src/my code/node' --require /opt/hook.cjs app.js",
    );
  });

  it('is one that a shell reads as it was meant, whatever the path', () => {
    expect(appCommand({ ...usual, hook: "/home/o'neill/my code/hook.cjs" })).toBe(
      "node --require '/home/o'\\''neill/my code/hook.cjs' app.js",
    );
  });
});
