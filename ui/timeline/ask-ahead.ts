/** A trace is asked for as soon as it is clear that it will be shown, while the code that shows it is on its way. */
import { getBytes } from '../api/get.ts';

interface Asked {
  readonly traceId: string;
  readonly answer: Promise<ArrayBuffer>;
  readonly controller: AbortController;
}
let asked: Asked | null = null;

export const columnsUrl = (traceId: string): string => `/api/traces/${traceId}?format=columns`;

export function askAhead(traceId: string): void {
  if (asked?.traceId === traceId) return;
  asked?.controller.abort();
  const controller = new AbortController();
  const answer = getBytes(columnsUrl(traceId), { signal: controller.signal });
  // Whoever takes it hears of it.
  answer.catch(() => {});
  asked = { traceId, answer, controller };
}

/** What was asked ahead, once; null when nothing was. `signal` ends it for whoever took it. */
export function takeAhead(traceId: string, signal: AbortSignal | undefined): Promise<ArrayBuffer> | null {
  if (asked?.traceId !== traceId) return null;
  const { answer, controller } = asked;
  asked = null;
  signal?.addEventListener('abort', () => controller.abort(), { once: true });
  return answer;
}
