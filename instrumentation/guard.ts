/** The hook never throws into the program: what goes wrong in an observer costs a span, not a request. */
import { diag } from '@opentelemetry/api';

/** The same function, whose errors go to OpenTelemetry's diagnostic log instead of the caller. */
export function guard<Arguments extends unknown[]>(
  observe: (...args: Arguments) => void,
): (...args: Arguments) => void {
  return (...args) => {
    try {
      observe(...args);
    } catch (error) {
      diag.error('sockeye: an observer failed', error);
    }
  };
}
