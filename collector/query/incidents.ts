/** Groups verdicts into incidents. */
import { hash } from 'node:crypto';

const FINGERPRINT_LENGTH = 16;

/** Names an incident: the same edge, phase and kind always give the same. */
export function fingerprintOf(edge: string, phase: string, kind: string): string {
  return hash('sha256', `${edge}\0${phase}\0${kind}`).slice(0, FINGERPRINT_LENGTH);
}
