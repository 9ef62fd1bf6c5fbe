/** Zipkin's API on a port of its own, where Zipkin has it: at the root, and below `/zipkin` where its page asks for it. */
import type { Port } from '../receive/listen.ts';
import type { Sources } from './sources.ts';
import { startSite, type SiteOptions } from './web.ts';
import { zipkinRoutes } from './zipkin/routes.ts';

/** Resolves when the port is bound, rejects with the system's error when it cannot be. */
export function startZipkin(options: SiteOptions, sources: Sources): Promise<Port> {
  return startSite(options, [...zipkinRoutes(sources, ''), ...zipkinRoutes(sources, '/zipkin')], null);
}
