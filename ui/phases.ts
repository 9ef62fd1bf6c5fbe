/** The phases of a call, in their order, and their names in words. */
import type { Phase } from '../collector/serve/wire.ts';

export const PHASES: readonly Phase[] = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];
const NAMES: Partial<Record<string, string>> = { dns: 'DNS', tls: 'TLS' };
export const phaseName = (phase: string): string => NAMES[phase] ?? phase;
