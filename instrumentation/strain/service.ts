/** What a server span that failed or was slow says of its process: how young it is, which version, and what held it up. */
import type { Attributes } from '@opentelemetry/api';
import { isSlow } from '../kernel/evidence.ts';
import { serviceVersion } from '../settings.ts';
import { strainAttributes } from './monitor.ts';

let version: string | undefined;
let isVersionRead = false;

/** Adds nothing when it was quick and did not fail. */
export function noteService(
  attributes: Attributes,
  startMs: number,
  endMs: number,
  hasFailed: boolean,
): void {
  if (!hasFailed && !isSlow(startMs, endMs)) return;
  if (!isVersionRead) {
    version = serviceVersion(process.env, process.argv[1], process.cwd());
    isVersionRead = true;
  }
  Object.assign(attributes, strainAttributes(startMs, endMs));
  attributes['process.uptime_ms'] = Math.round(process.uptime() * 1000);
  if (version !== undefined) attributes['service.version'] = version;
}
