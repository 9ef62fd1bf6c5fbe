/** What numbers in a row's columns mean. They are stored: more may come at the end of a list, nothing may move. */
import type { Outcome } from '../../diagnose/outcome.ts';
import type { GiveUpKind, Phase } from '../../diagnose/verdict.ts';

/** `kind`, `status` and `outcome` of a row are indexes into these. */
export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
export const STATUSES = ['unset', 'ok', 'error'] as const;
export const OUTCOMES: readonly Outcome[] = ['ok', 'error', 'timeout', 'cancelled'];
export const [UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER] = [0, 1, 2, 3, 4, 5] as const;
export const [STATUS_UNSET, STATUS_OK, STATUS_ERROR] = [0, 1, 2] as const;
export const [OK, ERROR, TIMEOUT, CANCELLED] = [0, 1, 2, 3] as const;

/** Bits of `flags`. */
export const IS_STREAM = 1;
export const IS_RETRY = 2;
export const NEVER_ARRIVED = 4;
/** Of a span that has not ended: no call or work of its own. */
export const IS_SNAPSHOT = 8;

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

export const GIVE_UP_KINDS: readonly GiveUpKind[] = [
  'timeout',
  'refused',
  'reset',
  'unreachable',
  'unresolved',
  'tls',
  'gateway',
  'cancelled',
];
export const GIVE_UP_PHASES: readonly (Phase | 'none')[] = [
  'none',
  'queue',
  'dns',
  'connect',
  'tls',
  'send',
  'wait',
  'receive',
];
