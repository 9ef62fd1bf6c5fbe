/** What tests of commands share: the command as a process of its own, and a collector that has the shop's trace. */
import { resolve } from 'node:path';
import { expect, vi } from 'vitest';
import type { Incidents } from '../../collector/serve/wire.ts';
import { runCollector, type Ended } from '../main/collector.ts';
import { shopTrace } from '../serve/shop-trace.ts';

const entry = resolve('collector/cli/sockeye.ts');

/** Its output as people would read it who pipe it: no colours, 80 columns. */
export function sockeye(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runCollector(args, { entry, environment });
}

export async function send(url: string, body: unknown): Promise<void> {
  const answer = await fetch(`${url}/api/import`, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
}

/** The shop's trace, a minute old, stored and diagnosed. */
export async function sendShopTrace(url: string): Promise<void> {
  await send(url, shopTrace(60_000));
  const look = async () => {
    const { incidents } = (await (await fetch(`${url}/api/timeouts`)).json()) as Incidents;
    expect(incidents).not.toEqual([]);
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 100 });
}

/** One span whose names would clear a terminal, retitle it and turn its lines. */
export const HOSTILE_ID = 'bad'.padStart(32, '0');
export const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u202e\u009b31m\r\nx';
export function hostileTrace() {
  const trace = shopTrace(60_000, HOSTILE_ID);
  const text = JSON.stringify(trace);
  return JSON.parse(
    text
      .replaceAll('POST /', `${JSON.stringify(HOSTILE).slice(1, -1)}POST /`)
      .replaceAll('"checkout"', `"${JSON.stringify(HOSTILE).slice(1, -1)}checkout"`),
  ) as object;
}
/** But for line ends. */
export const CONTROLS = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

export function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}
