/** The description of the API that programs read, made from the route table. Pure. */
import type { Route } from './route.ts';
import { named, type Parameter } from './schema.ts';
import { WIRE_SCHEMAS } from './wire-schemas.ts';

/** What the guard and the server may answer to any request. */
const ERRORS_OF_EVERY_ROUTE = [400, 401, 403, 500];
const ERROR_NAMES: Record<number, string> = {
  400: 'A parameter, the body or the URL cannot be used',
  401: 'The collector was started with a token, and none or another was given',
  403: 'Not allowed: a foreign Host or Origin, or a thing that is switched off',
  404: 'There is no such thing',
  413: 'Larger than --max-request-bytes',
  415: 'Not a format that can be read',
  429: 'Too much at once: try again later',
  500: 'The collector failed',
  501: 'Not available yet',
  503: 'The store cannot take or give data now: try again later',
};

export function describeApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    if (route.path.endsWith('*')) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const operations = (paths[path] ??= {});
    operations[route.method.toLowerCase()] = describeRoute(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sockeye',
      version,
      description:
        'Traces, the service map, and where a timeout started. A range is [from, to) by span start and defaults to the last hour.',
    },
    paths,
    components: {
      schemas: WIRE_SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    // An empty requirement beside it: the token is asked for only where one was configured.
    security: [{}, { token: [] }],
  };
}

function describeRoute(route: Route): object {
  const content = Object.entries(route.gives).map(([type, schema]) => [type, { schema }]);
  const errors = [...new Set([...ERRORS_OF_EVERY_ROUTE, ...(route.errors ?? [])])].toSorted((a, b) => a - b);
  return {
    summary: route.summary,
    parameters: [
      ...(route.segments ?? []).map((parameter) => ({ ...describe(parameter, 'path'), required: true })),
      ...(route.query ?? []).map((parameter) => describe(parameter, 'query')),
    ],
    ...(route.takes && {
      requestBody: { required: true, content: Object.fromEntries(route.takes.map((type) => [type, {}])) },
    }),
    responses: {
      ...(!route.isLater && {
        [route.success ?? 200]: { description: 'The answer', content: Object.fromEntries(content) },
      }),
      ...Object.fromEntries(
        errors.map((status) => [
          status,
          {
            description: ERROR_NAMES[status] ?? 'Refused',
            content: errorContent(route, status),
          },
        ]),
      ),
    },
  };
}

/** The guard and the server refuse in our own form whatever the route. */
function errorContent({ errors, errorGives }: Route, status: number): object {
  const isOwn = status === 400 || errors?.includes(status);
  const gives = isOwn && errorGives ? errorGives : { 'application/json': named('WireError') };
  return Object.fromEntries(Object.entries(gives).map(([type, schema]) => [type, { schema }]));
}

function describe({ name, description, schema }: Parameter, place: 'path' | 'query'): object {
  return { name, in: place, description, schema };
}
