/** Zipkin's API at the root of a port of its own, for reporters whose path cannot be set. */
import { countRefused } from './api/take-traces.ts';
import { zipkinRoutes } from './api/zipkin.ts';
import type { Port } from '../receive/listen.ts';
import type { Sources } from './sources.ts';
import { startSite, type SiteOptions } from './web.ts';

/** Resolves when the port is bound, rejects with the system's error when it cannot be. */
export function startZipkin(
  options: SiteOptions,
  sources: Pick<Sources, 'intake' | 'maxRequestBytes'>,
): Promise<Port> {
  return startSite(options, countRefused(zipkinRoutes(sources, ''), sources), null);
}
