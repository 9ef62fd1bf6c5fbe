/** Every route of the web port but the page's files, in one table; `/api/openapi.json` is made from it. */
import { describeApi } from '../openapi.ts';
import { json, type Route } from '../route.ts';
import type { Sources } from '../sources.ts';
import { attributeRoutes } from './attributes.ts';
import { helpRoutes } from './help.ts';
import { hostRoutes } from './hosts.ts';
import { incidentStateRoutes } from './incident-state.ts';
import { importRoutes } from './import.ts';
import { LATER_ROUTES } from './later.ts';
import { latencyRoutes } from './latency.ts';
import { lookRoutes } from './look.ts';
import { phaseRoutes } from './phases.ts';
import { pinRoutes } from './pins.ts';
import { serviceRoutes } from './services.ts';
import { statusRoutes } from './status.ts';
import { timeoutRoutes } from './timeouts.ts';
import { traceRoutes } from './traces.ts';
import { jaegerRoutes } from '../jaeger/routes.ts';
import { tempoRoutes } from '../tempo/routes.ts';
import { zipkinRoutes } from '../zipkin/routes.ts';

export function apiRoutes(sources: Sources, live: Route): readonly Route[] {
  const routes: Route[] = [
    ...statusRoutes(sources),
    ...hostRoutes(sources),
    ...serviceRoutes(sources),
    ...traceRoutes(sources),
    ...phaseRoutes(sources),
    ...pinRoutes(sources),
    ...timeoutRoutes(sources),
    ...incidentStateRoutes(sources),
    ...latencyRoutes(sources),
    ...attributeRoutes(sources),
    live,
    ...importRoutes(sources),
    ...lookRoutes(sources),
    ...helpRoutes(),
    ...zipkinRoutes(sources, '/zipkin'),
    ...jaegerRoutes(sources),
    ...tempoRoutes(sources),
    ...LATER_ROUTES,
    {
      method: 'GET',
      path: '/api/openapi.json',
      summary: 'This description',
      gives: { 'application/json': { type: 'object' } },
      handle: () => json(describeApi(routes, sources.version)),
    },
  ];
  return routes;
}
