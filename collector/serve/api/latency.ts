/** How long calls took over time, and what sets some of them apart: `/api/latency`. */
import { PHASES } from '../../diagnose/verdict.ts';
import type { LatencyQuestion } from '../../query/query.ts';
import type { LatencyBrush } from '../../store/store.ts';
import { badParameter } from '../http-error.ts';
import {
  parseChoice,
  parseDurationMs,
  parseInteger,
  parseRange,
  parseTime,
  textParameter,
} from '../parameters.ts';
import { json, type Exchange, type Route } from '../route.ts';
import { named, number, text, words, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { RANGE } from './parameter-docs.ts';

const LATENCY_STEPS_DEFAULT = 120;
const LATENCY_STEPS_MAX = 400;

const WHOSE: readonly Parameter[] = [
  {
    name: 'service',
    description: 'Spans that serve of this service; with `peer`, its calls to it',
    schema: text,
  },
  { name: 'operation', description: 'Only this operation', schema: text },
  { name: 'peer', description: 'Calls to this node of the map, as their callers saw them', schema: text },
  {
    name: 'phase',
    description: 'The latency of this phase alone, of calls that had it',
    schema: words(...PHASES),
  },
];

export function latencyRoutes({ query }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/latency',
      summary: 'Latency over time: heatmap, percentiles, phases, budgets, and walls that no budget explains',
      query: [
        ...WHOSE,
        ...RANGE,
        {
          name: 'steps',
          description: 'About so many steps of whole minutes, hours or days; the range is rounded outward',
          schema: {
            type: 'integer',
            minimum: 1,
            maximum: LATENCY_STEPS_MAX,
            default: LATENCY_STEPS_DEFAULT,
          },
        },
      ],
      gives: { 'application/json': named('Latency') },
      errors: [503],
      handle: async (exchange) => {
        const steps = parseInteger(exchange.query, 'steps', 1, LATENCY_STEPS_MAX) ?? LATENCY_STEPS_DEFAULT;
        return json(await query.latency(readQuestion(exchange), steps, exchange.signal));
      },
    },
    {
      method: 'GET',
      path: '/api/latency/differs',
      summary: 'What sets the calls of a part of the heatmap apart from the others of the range',
      query: [
        ...WHOSE,
        ...RANGE,
        {
          name: 'brushFrom',
          description: 'Start of the part, included; as `from`, which it is',
          schema: text,
        },
        { name: 'brushTo', description: 'End of the part, excluded; as `to`, which it is', schema: text },
        { name: 'minMs', description: 'Shortest duration in the part, included', schema: number },
        { name: 'maxMs', description: 'Longest duration in the part, excluded', schema: number },
      ],
      gives: { 'application/json': named('LatencyDiffers') },
      errors: [503],
      handle: async (exchange) => {
        const question = readQuestion(exchange);
        return json(await query.latencyDiffers(question, readBrush(exchange, question), exchange.signal));
      },
    },
  ];
}

function readQuestion({ query, nowUnixMs }: Exchange): LatencyQuestion {
  return {
    range: parseRange(query, nowUnixMs),
    service: textParameter(query, 'service'),
    operation: textParameter(query, 'operation'),
    peer: textParameter(query, 'peer'),
    phase: parseChoice(query, 'phase', PHASES),
  };
}

function readBrush({ query, nowUnixMs }: Exchange, { range }: LatencyQuestion): LatencyBrush {
  const timeOf = (name: string, otherwise: number): number => {
    const given = textParameter(query, name);
    return given === null ? otherwise : parseTime(name, given, nowUnixMs);
  };
  const fromUnixMs = timeOf('brushFrom', range.fromUnixMs);
  const toUnixMs = timeOf('brushTo', range.toUnixMs);
  if (fromUnixMs >= toUnixMs)
    throw badParameter('brushFrom', query.get('brushFrom') ?? '', 'a time before `brushTo`');
  const minMs = parseDurationMs(query, 'minMs');
  const maxMs = parseDurationMs(query, 'maxMs');
  if (minMs !== null && maxMs !== null && minMs >= maxMs)
    throw badParameter('minMs', String(minMs), 'less than `maxMs`');
  return { range: { fromUnixMs, toUnixMs }, minMs, maxMs };
}
