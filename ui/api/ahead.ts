/** What a view is going to ask for, asked while the code of the view is on its way. */

interface Asked {
  readonly url: string;
  readonly answer: Promise<Response>;
  readonly controller: AbortController;
}
let asked: Asked | null = null;
/** Longer than the code of a view takes; what nobody took by then is old. */
const KEPT_MS = 10_000;

export function askAhead(url: string): void {
  if (asked?.url === url) return;
  asked?.controller.abort();
  const controller = new AbortController();
  const answer = fetch(url, { signal: controller.signal });
  const mine = { url, answer, controller };
  asked = mine;
  // Whoever took it hears of it; to the next it says nothing.
  answer.catch(() => {
    if (asked === mine) asked = null;
  });
  setTimeout(() => {
    if (asked !== mine) return;
    asked = null;
    controller.abort();
  }, KEPT_MS);
}

/** What was asked ahead, once; null when nothing was. `signal` ends it for whoever took it. */
export function takeAhead(url: string, signal: AbortSignal | null | undefined): Promise<Response> | null {
  if (asked?.url !== url) return null;
  const { answer, controller } = asked;
  asked = null;
  signal?.addEventListener('abort', () => controller.abort(), { once: true });
  return answer;
}
