/** What the hook sends holds no secret that went through the program: no headers, no bodies, no credentials of URLs. */
import { expect, it } from 'vitest';
import { closedPort } from './faults.ts';
import { appFile, runApp, withHook } from './run-app.ts';
import { usePeers } from './use-peers.ts';

const peers = usePeers();

it('no secret of calls and requests is sent, printed, or passed on', async () => {
  const { flags, env } = withHook(peers.receiver.url);
  const run = await runApp(appFile('secrets.cjs'), {
    flags,
    // Secrets on the command line, in the environment, and of the exporter itself.
    args: [String(peers.server.port), String(closedPort), '--password=s3cr3t-argument'],
    env: { ...env, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=s3cr3t-export', DB_PASSWORD: 's3cr3t-environment' },
  });
  expect(run).toEqual({ code: 0, signal: null, stdout: 'called\n', stderr: '' });
  await peers.receiver.waitFor(({ attributes }) => String(attributes['url.full']).includes('fetch-refused'));
  const urls = peers.receiver.spans.map(({ attributes }) =>
    String(attributes['url.full'] ?? attributes['url.path']),
  );
  for (const name of ['in-and-out', 'by-fetch', 'through-a-proxy', 'refused']) {
    expect(urls.some((url) => url.includes(name))).toBe(true);
  }
  expect(urls.find((url) => url.includes('in-and-out?'))).toContain('page=2&token=REDACTED');
  expect(JSON.stringify(peers.receiver.spans)).not.toContain('s3cr3t');
});

it('what the exporter is given to show the collector goes to the collector alone', async () => {
  expect(peers.receiver.metadata).toContainEqual(expect.objectContaining({ 'x-token': 's3cr3t-export' }));
});
