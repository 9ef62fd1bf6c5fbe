/** How far long work is, on standard error: one line that is written over on a terminal, elsewhere a line now and then. */

export interface Progress {
  say(text: string): void;
  /** A line that stays. */
  note(line: string): void;
  /** Leaves nothing of what was said on a terminal. */
  end(): void;
}

const TERMINAL_MS = 200;
const ELSEWHERE_MS = 10_000;
const CLEAR_LINE = '\r\u001b[K';

export function createProgress(out: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  const everyMs = out.isTTY ? TERMINAL_MS : ELSEWHERE_MS;
  // A terminal is told at once, a log only of what takes long.
  let saidMs = out.isTTY ? -Infinity : now();
  let isShown = false;
  const end = (): void => {
    if (isShown) out.write(CLEAR_LINE);
    isShown = false;
  };
  return {
    end,
    say(text) {
      if (now() - saidMs < everyMs) return;
      saidMs = now();
      out.write(out.isTTY ? `${CLEAR_LINE}${text}` : `${text}\n`);
      isShown = out.isTTY;
    },
    note(line) {
      end();
      out.write(`${line}\n`);
    },
  };
}
