/** When one signal's requests may leave for a backend: some at once while it takes them; one, and ever later, while it fails. */

/** On their way at once; one while the backend fails. */
const IN_FLIGHT_MAX = 4;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 30_000;

export interface Pace {
  /** Whether one more may leave, beside those on their way. */
  allows(inFlight: number): boolean;
  /** All that there were. */
  failures(): number;
  /** Something that left after so many failures was answered; whether that says anything of now. */
  works(failuresBefore: number): boolean;
  failed(atLeastMs: number): void;
  /** Nothing leaves for as long as between two tries. */
  pause(): void;
  stop(): void;
}

/** `goOn` is called when a wait is over. */
export function createPace(goOn: () => void): Pace {
  /** One after the other; of those that were on their way together, one. */
  let inARow = 0;
  let all = 0;
  /** By a clock that nobody sets. */
  let notBeforeMs = 0;
  let timer: NodeJS.Timeout | undefined;

  function waitUntil(timeMs: number): void {
    notBeforeMs = timeMs;
    clearTimeout(timer);
    timer = setTimeout(goOn, timeMs - performance.now() + 1);
  }

  return {
    allows: (inFlight) => performance.now() >= notBeforeMs && inFlight < (inARow > 0 ? 1 : IN_FLIGHT_MAX),
    failures: () => all,
    works(failuresBefore) {
      if (failuresBefore < all) return false;
      inARow = 0;
      return true;
    },
    failed(atLeastMs) {
      const nowMs = performance.now();
      // Those that were on their way together fail together.
      if (nowMs >= notBeforeMs) inARow++;
      all++;
      const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (inARow - 1));
      const waitMs = Math.max(atLeastMs, backoffMs * (0.5 + Math.random() / 2));
      if (nowMs < notBeforeMs && nowMs + atLeastMs <= notBeforeMs) return;
      waitUntil(nowMs + waitMs);
    },
    pause: () => waitUntil(performance.now() + BACKOFF_MS_MAX),
    stop: () => clearTimeout(timer),
  };
}
