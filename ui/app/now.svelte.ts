/** The time as reactive state, for what is said relative to it (`3 min ago`); exact to a few seconds. */

const EVERY_MS = 5000;
let ms = $state(Date.now());

export const now = {
  get ms(): number {
    return ms;
  },
};

/** Returns how to stop. */
export function startClock(): () => void {
  const timer = setInterval(() => (ms = Date.now()), EVERY_MS);
  return () => clearInterval(timer);
}
