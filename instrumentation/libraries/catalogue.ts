/**
 * The libraries whose calls become spans through OpenTelemetry's own instrumentation of each, and how it is set up.
 *
 * `bundle.mjs` puts each instrumentation into one file, which is loaded when the program loads the library and not before.
 */
import { redactSql } from './redact-sql.ts';
import { redisStatement } from './redis-statement.ts';

export interface Library {
  /** As in `OTEL_NODE_ENABLED_INSTRUMENTATIONS`, and the name of its bundle. */
  readonly name: string;
  /** The package that instruments it, and the class there. */
  readonly instrumentation: readonly [packageName: string, className: string];
  /** The packages whose modules are patched; none where the library says itself when it is used. */
  readonly packages: readonly string[];
  /** Attributes of the spans of connections that the library opens. */
  readonly peer?: Readonly<Record<string, string>>;
  readonly config?: object;
  /**
   * Class and message of the errors by which it says that a timer of its own has run out; `ms` is its delay, `signal` is there
   * where that is an `AbortSignal.timeout`.
   */
  readonly gaveUp?: RegExp;
}

const fromOpenTelemetry = (name: string, className: string) =>
  [`@opentelemetry/instrumentation-${name}`, `${className}Instrumentation`] as const;

const database = (system: string) => ({ 'db.system.name': system, 'db.operation.name': 'connect' });
const broker = (system: string) => ({ 'messaging.system': system, 'messaging.operation.name': 'connect' });

interface QuerySpan {
  setAttribute(key: string, value: string): unknown;
}

export const libraries: readonly Library[] = [
  {
    name: 'pg',
    instrumentation: fromOpenTelemetry('pg', 'Pg'),
    packages: ['pg', 'pg-pool'],
    peer: database('postgresql'),
    config: {
      requestHook: (span: QuerySpan, { query }: { query: { text: string } }) =>
        span.setAttribute('db.query.text', redactSql(query.text, 'postgresql')),
    },
    gaveUp:
      /: (?:Query read timeout|timeout exceeded when trying to connect|timeout expired|Connection terminated due to connection timeout)$/,
  },
  {
    name: 'mysql2',
    instrumentation: fromOpenTelemetry('mysql2', 'MySQL2'),
    packages: ['mysql2'],
    peer: database('mysql'),
    config: { maskStatement: true, maskStatementHook: (sql: string) => redactSql(sql, 'mysql') },
    gaveUp: /: Query inactivity timeout$/,
  },
  {
    name: 'ioredis',
    instrumentation: fromOpenTelemetry('ioredis', 'IORedis'),
    packages: ['ioredis'],
    peer: database('redis'),
    config: { requireParentSpan: false, dbStatementSerializer: redisStatement },
    gaveUp: /: (?:Command timed out$|Socket timeout\. .* (?<ms>\d+)ms\.$)/,
  },
  {
    name: 'redis',
    instrumentation: fromOpenTelemetry('redis', 'Redis'),
    packages: ['redis', '@redis/client', '@node-redis/client'],
    peer: database('redis'),
    config: { dbStatementSerializer: redisStatement },
    gaveUp:
      /^(?:ConnectionTimeoutError: |(?:(?:Socket|Command)Timeout\w*Error: .*|TimeoutError: Timeout waiting for a client after) (?<ms>\d+)ms\.?$|(?<signal>TimeoutError: ))/,
  },
  {
    name: 'mongodb',
    instrumentation: fromOpenTelemetry('mongodb', 'MongoDB'),
    packages: ['mongodb'],
    peer: database('mongodb'),
    config: { requireParentSpan: false },
    gaveUp:
      /: (?:Timed out (?:(?:during|at|before) socket |while checking out a connection|during (?:connection checkout|server selection))|Server selection timed out after (?<ms>\d+) ms|connection .* to .* timed out$)/,
  },
  {
    name: 'kafkajs',
    instrumentation: fromOpenTelemetry('kafkajs', 'KafkaJs'),
    packages: ['kafkajs'],
    peer: broker('kafka'),
    gaveUp: /: Request .* timed out$/,
  },
  {
    name: 'amqplib',
    instrumentation: fromOpenTelemetry('amqplib', 'Amqplib'),
    packages: ['amqplib'],
    peer: broker('rabbitmq'),
  },
  { name: 'express', instrumentation: fromOpenTelemetry('express', 'Express'), packages: ['express'] },
  { name: 'koa', instrumentation: fromOpenTelemetry('koa', 'Koa'), packages: ['koa'] },
  { name: 'hapi', instrumentation: fromOpenTelemetry('hapi', 'Hapi'), packages: ['@hapi/hapi'] },
  {
    name: 'nestjs-core',
    instrumentation: fromOpenTelemetry('nestjs-core', 'Nest'),
    packages: ['@nestjs/core'],
  },
  // Its own, which needs no patch: fastify publishes each new instance.
  { name: 'fastify', instrumentation: ['@fastify/otel', 'FastifyOtelInstrumentation'], packages: [] },
  {
    name: 'graphql',
    instrumentation: fromOpenTelemetry('graphql', 'GraphQL'),
    packages: ['graphql'],
    // A span for each field of each row is no trace that anybody reads.
    config: { ignoreTrivialResolveSpans: true, mergeItems: true },
  },
];

type Environment = Record<string, string | undefined>;

/** Those that `OTEL_NODE_ENABLED_INSTRUMENTATIONS` names, or all, without those that `OTEL_NODE_DISABLED_INSTRUMENTATIONS` names. */
export function enabledLibraries(environment: Environment): Library[] {
  return libraries.filter(({ name }) => isEnabled(environment, name));
}

/** Also of gRPC, whose spans the hook makes itself: with the phases of their connection. */
export function isEnabled(environment: Environment, name: string): boolean {
  const enabled = namesIn(environment['OTEL_NODE_ENABLED_INSTRUMENTATIONS']);
  const disabled = namesIn(environment['OTEL_NODE_DISABLED_INSTRUMENTATIONS']);
  return (enabled.size === 0 || enabled.has(name)) && !disabled.has(name);
}

function namesIn(list: string | undefined): Set<string> {
  return new Set((list ?? '').split(',').flatMap((name) => name.trim() || []));
}
