/** Which traces are recorded, as OTEL_TRACES_SAMPLER says; it decides as OpenTelemetry's own samplers do. */
import type { SpanContext } from '@opentelemetry/api';
import { sampledFlag } from '../trace-context.ts';

export interface Sampler {
  samples(parent: SpanContext | undefined, traceId: string): boolean;
  /** Whether nothing at all is wanted: then calls that failed stay unrecorded too. */
  isOff: boolean;
}

const names = ['always_on', 'always_off', 'traceidratio'] as const;

/** The sampler asked for; `problem` says what was wrong with that, when the usual one takes its place. */
export function samplerOf(environment: Record<string, string | undefined>): {
  sampler: Sampler;
  problem?: string;
} {
  const text = environment['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  const isParentBased = text.startsWith('parentbased_');
  const name = names.find((each) => each === text.replace(/^parentbased_/, ''));
  if (!name) {
    const problem = `OTEL_TRACES_SAMPLER: got "${text}", expected one of ${names.join(', ')}, or these after parentbased_`;
    return { sampler: parentBased(() => true), problem };
  }
  const ratio = name === 'traceidratio' ? ratioOf(environment['OTEL_TRACES_SAMPLER_ARG']) : 0;
  const root = { always_on: () => true, always_off: () => false, traceidratio: ratioSampler(ratio) }[name];
  const isOff = name === 'always_off';
  return {
    sampler: isParentBased ? { ...parentBased(root), isOff } : { samples: (_parent, id) => root(id), isOff },
  };
}

/** Follows the parent, and asks for the first span of a trace alone. */
function parentBased(root: (traceId: string) => boolean): Sampler {
  return {
    samples: (parent, traceId) => (parent ? (parent.traceFlags & sampledFlag) !== 0 : root(traceId)),
    isOff: false,
  };
}

function ratioOf(text: string | undefined): number {
  const ratio = Number(text?.trim() || 1);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}

/** The same traces in every process that is given the same ratio: the four words of the id, folded into one. */
function ratioSampler(ratio: number): (traceId: string) => boolean {
  const bound = ratio === 1 ? 2 ** 32 : Math.floor(ratio * 0xffff_ffff);
  return (traceId) => {
    let folded = 0;
    for (let index = 0; index < 32; index += 8)
      folded ^= Number.parseInt(traceId.slice(index, index + 8), 16);
    return folded >>> 0 < bound;
  };
}
