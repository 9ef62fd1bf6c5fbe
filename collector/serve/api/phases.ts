/** Where the time of listed traces went: one answer for the rows of a list. */
import { badParameter } from '../http-error.ts';
import { parseTraceId, requiredText } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, text } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { PhasesOfTraces } from '../wire.ts';

/** A page of the list of traces. */
const PHASE_TRACES_MAX = 50;

export function phaseRoutes({ traces }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/phases',
      summary: 'Where the time of traces went, by phase',
      query: [
        {
          name: 'traces',
          description: `Trace ids with commas between, at most ${PHASE_TRACES_MAX}; required`,
          schema: text,
        },
      ],
      gives: { 'application/json': named('PhasesOfTraces') },
      errors: [503],
      handle: async ({ query, signal }) => {
        const expected = `1 to ${PHASE_TRACES_MAX} trace ids with commas between`;
        const ids = requiredText(query, 'traces', expected).split(',');
        if (ids.length > PHASE_TRACES_MAX) throw badParameter('traces', `${ids.length} of them`, expected);
        const answer: PhasesOfTraces = { traces: [] };
        // One after another: a list must not take the threads that read large traces for itself.
        for (const traceId of ids.map(parseTraceId)) {
          const phases = await traces.phases(traceId, signal);
          if (phases !== null) answer.traces.push(phases);
        }
        return json(answer);
      },
    },
  ];
}
