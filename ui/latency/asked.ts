/** Whose latency is looked at: as the URL of the view has it, as the API and the query language take it, and in words. Pure. */
import type { Latency, Phase } from '../../collector/serve/wire.ts';
import type { Query } from '../app/route.ts';
import { PHASES, phaseName } from '../phases.ts';
import { writeMs, type Region } from './region.ts';

export interface Asked {
  readonly service: string | null;
  readonly operation: string | null;
  readonly peer: string | null;
  readonly phase: Phase | null;
}

export function readAsked(query: Query): Asked {
  const some = (text: string | undefined) => (text === undefined || text === '' ? null : text);
  return {
    service: some(query['service']),
    operation: some(query['op']),
    peer: some(query['peer']),
    phase: PHASES.find((phase) => phase === query['phase']) ?? null,
  };
}

/** Calls of one to another. */
export const isEdge = ({ service, peer }: Asked): boolean => service !== null && peer !== null;

/** `checkout → payments`, `POST /buy of gateway`, `requests from outside`. */
export function sayAsked({ service, operation, peer, phase }: Asked, of: Latency['of'] | null): string {
  // Phases are the callers', whoever they are.
  const ofCallers = of === 'calls' && peer === null;
  const who =
    ofCallers || (peer !== null && service === null)
      ? `calls to ${peer ?? service ?? 'anybody'}`
      : peer !== null
        ? `${service} → ${peer}`
        : (service ??
          (operation !== null ? null : of === 'served' ? 'all requests' : 'requests from outside'));
  const what = [...(operation === null ? [] : [operation]), ...(who === null ? [] : [who])].join(' of ');
  return phase === null ? what : `${phaseName(phase)} time of ${what}`;
}

/**
 * Finds these calls by a search; of a region, those that took so long. Of what comes from outside, the language has no
 * word for the entries alone: it finds all that is served. Null where it has none for who calls.
 */
export function latencyQuery(asked: Asked, of: Latency['of'], region: Region | null): string | null {
  const { service, operation, peer, phase } = asked;
  if (peer !== null && service === null) return null;
  if (of === 'calls' && peer === null && service !== null) return null;
  const served = '(kind:server OR kind:consumer)';
  const terms = [
    ...(peer !== null
      ? [`edge:${quoted(`${service}->${peer}`)}`]
      : service !== null
        ? [`service:${quoted(service)}`]
        : []),
    ...(operation === null ? [] : [`operation:${quoted(operation)}`]),
    ...(of === 'served' || of === 'entries' ? [served] : []),
    ...(region === null ? [] : durations(phase, region)),
  ];
  return terms.join(' ');
}

function durations(phase: Phase | null, { minMs, maxMs }: Region): string[] {
  const [low, high] = [writeMs(minMs), writeMs(maxMs)];
  if (phase === null) return [`duration>=${low}ms`, `duration<${high}ms`];
  return [`sockeye.phase.${phase}_ms>=${low}`, `sockeye.phase.${phase}_ms<${high}`];
}

const quoted = (text: string): string =>
  /[\s:()"\\]/.test(text.replace('->', '')) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : text;
