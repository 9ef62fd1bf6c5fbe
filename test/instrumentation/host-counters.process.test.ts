/** The counters of a host from a real program to the collector, and to a receiver that does not take them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { startHttpServer, type Fault } from './faults.ts';
import { startReceiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let world: World;
let server: Fault;

beforeAll(async () => {
  world = await startWorld();
  server = await startHttpServer();
});

afterAll(async () => {
  server?.close();
  await world?.end();
});

/** The lines of the collector's metrics that begin like this, when there are some. */
async function metrics(start: string): Promise<string[]> {
  for (;;) {
    const text = await (await fetch(`${world.page}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(start));
    if (lines.length > 0) return lines;
    await sleep(100);
  }
}

describe.skipIf(process.platform !== 'linux')('a program that has sent spans', () => {
  it('tells the collector what its host counts', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const args = [`http://127.0.0.1:${server.port}/held`, 'stay'];
    const app = startApp(appFile('ending.cjs'), { flags, env, args });
    const lines = await metrics('sockeye_host_counter{');
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    for (const name of ['tcp.listen_overflows', 'tcp.syn_retransmits', 'icmp.unreachable_received']) {
      const line = lines.find((each) => each.includes(`counter="${name}"`));
      expect(line).toMatch(
        /^sockeye_host_counter\{host="[^"]+",network_namespace="\d+",counter="[^"]+"\} \d+$/,
      );
    }
    expect(await metrics('sockeye_other_requests_dropped_total{signal="metrics"}')).toEqual([
      'sockeye_other_requests_dropped_total{signal="metrics"} 0',
    ]);
  });

  it('says nothing of it when the receiver takes no metrics', async () => {
    const receiver = await startReceiver();
    try {
      const { flags, env } = withHook(receiver.url);
      const url = `http://127.0.0.1:${server.port}/refused`;
      const app = startApp(appFile('ending.cjs'), { flags, env, args: [url, 'stay'] });
      await receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
      await app.line('resting');
      app.child.kill('SIGTERM');
      expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    } finally {
      receiver.close();
    }
  });
});
