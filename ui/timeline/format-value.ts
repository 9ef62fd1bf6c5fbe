/** An attribute's value as one line: text as it is, everything else as JSON. Pure. */
import type { WireValue } from '../../collector/serve/wire.ts';

export function formatValue(value: WireValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
