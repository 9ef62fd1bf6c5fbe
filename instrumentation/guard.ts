/** The hook never throws into the program: what goes wrong in an observer costs a span, not a request. */

/** Where the OpenTelemetry API keeps its diagnostic log, if it is loaded and has one. */
const registryKey = Symbol.for('opentelemetry.js.api.1');

/** The same function, whose errors go to OpenTelemetry's diagnostic log instead of the caller. */
export function guard<Arguments extends unknown[]>(
  observe: (...args: Arguments) => void,
): (...args: Arguments) => void {
  return function guarded(): void {
    try {
      Reflect.apply(observe, undefined, arguments);
    } catch (error) {
      reportFault('an observer failed', error);
    }
  };
}

/** Tells the diagnostic log of a fault of the hook's own. */
export function reportFault(what: string, error: unknown): void {
  const registry = (globalThis as Record<symbol, unknown>)[registryKey] as
    { diag?: { error?: (message: string, ...details: unknown[]) => void } } | undefined;
  registry?.diag?.error?.(`sockeye: ${what}`, error);
}
