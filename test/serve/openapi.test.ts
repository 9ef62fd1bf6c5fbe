import { describe, expect, it } from 'vitest';
import { apiRoutes } from '../../collector/serve/api/routes.ts';
import { createLive } from '../../collector/serve/live.ts';
import { describeApi } from '../../collector/serve/openapi.ts';
import type { Sources } from '../../collector/serve/sources.ts';
import { WIRE_SCHEMAS } from '../../collector/serve/wire-schemas.ts';

// Only described, never asked: the table itself needs no collector.
const none = {} as Sources;
const routes = apiRoutes(none, createLive(none).route);

interface Operation {
  summary: string;
  parameters: { name: string; in: string; description: string; schema: object }[];
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}
const description = describeApi(routes, '1.2.3') as {
  paths: Record<string, Record<string, Operation>>;
};

describe('the description of the API', () => {
  it('has every route of the table, each with a summary and what it gives', () => {
    for (const route of routes.filter(({ path }) => !path.endsWith('*'))) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      const operation = description.paths[path]?.[route.method.toLowerCase()];
      expect(operation?.summary).toMatch(/\S/);
      expect(Object.keys(operation?.responses ?? {})).toContain(
        route.isLater ? '501' : String(route.success ?? 200),
      );
    }
  });

  it('has every name of a path and every parameter with a description', () => {
    for (const [path, operations] of Object.entries(description.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const { parameters } of Object.values(operations)) {
        expect([path, parameters.filter((one) => one.in === 'path').map((one) => one.name)]).toEqual([
          path,
          names,
        ]);
        for (const parameter of parameters) expect(parameter.description).toMatch(/\S/);
      }
    }
  });

  it('names only schemas that exist', () => {
    const named = [...JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g)];
    expect(named.length).toBeGreaterThan(20);
    for (const [, name = ''] of named) expect(Object.keys(WIRE_SCHEMAS)).toContain(name);
  });

  it('has no two routes for one method and path', () => {
    const keys = routes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('the table has every route that was promised', () => {
  const promised = `GET /api/status, GET /api/hosts, GET /api/services, GET /api/operations, GET /api/map, GET /api/map/timeline, GET /api/map/edges,
    GET /api/calls, GET /api/phases, GET /api/traces, GET /api/traces/:id/edges,
    GET /api/traces/:id, PUT /api/traces/:id/pin, DELETE /api/traces/:id/pin, GET /api/traces/:id/diagnosis,
    GET /api/timeouts, GET /api/timeouts/:fingerprint, PUT /api/timeouts/:fingerprint/state, GET /api/latency, GET /api/latency/differs,
    GET /api/attributes, GET /api/attributes/:key/values, GET /api/live, POST /api/import, POST /api/purge,
    GET /healthz, GET /readyz, GET /metrics, GET /help/causes/:code, GET /mcp, POST /mcp, GET /api/openapi.json,
    GET /jaeger/api/services, GET /jaeger/api/services/:service/operations, GET /jaeger/api/operations, GET /jaeger/api/traces,
    GET /jaeger/api/traces/:id, GET /jaeger/api/dependencies, GET /jaeger/api/metrics/latencies, GET /jaeger/api/metrics/calls,
    GET /jaeger/api/metrics/errors, GET /jaeger/api/v3/services, GET /jaeger/api/v3/operations, GET /jaeger/api/v3/traces,
    GET /jaeger/api/v3/traces/:id, GET /jaeger/api/v3/trace-summaries,
    GET /tempo/api/echo, GET /tempo/api/search, GET /tempo/api/v2/search/tags, GET /tempo/api/v2/search/tag/:tag/values,
    GET /tempo/api/traces/:id, GET /tempo/api/v2/traces/:id,
    POST /zipkin/api/v2/spans, POST /zipkin/api/v1/spans, GET /zipkin/api/v2/services, GET /zipkin/api/v2/spans,
    GET /zipkin/api/v2/remoteServices, GET /zipkin/api/v2/traces, GET /zipkin/api/v2/trace/:id, GET /zipkin/api/v2/traceMany,
    GET /zipkin/api/v2/dependencies, GET /zipkin/api/v2/autocompleteKeys, GET /zipkin/api/v2/autocompleteValues`;
  const table = routes.map(({ method, path }) => `${method} ${path}`);
  expect(table).toEqual(expect.arrayContaining(promised.split(/,\s*/)));
});
