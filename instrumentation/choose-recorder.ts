/** Which recorder runs: the hook's own, or OpenTelemetry's SDK where something is asked for that only the SDK does. */
import { createRequire } from 'node:module';
import { exportOptions } from './export/options.ts';
import { propagatorsOf } from './propagation.ts';
import { samplerOf } from './record/sampler.ts';
import { startFastRecorder } from './record/fast-recorder.ts';
import type { LeftSpans, Recorder, UnendedSpans } from './recorder.ts';
import { flushAtEnd } from './exit.ts';
import { handOverAtEnd } from './hand-over.ts';

type Environment = Record<string, string | undefined>;

export interface RecorderOptions {
  version: string;
  /** The service's name when the environment gives none. */
  serviceName: string | undefined;
  environment: Environment;
  left: LeftSpans;
}

/** Variables that ask for more than spans by OTLP: with any of them set to something, the SDK runs. */
const sdkVariables = [
  'SOCKEYE_SDK',
  'OTEL_CONFIG_FILE',
  'OTEL_EXPERIMENTAL_CONFIG_FILE',
  'OTEL_NODE_RESOURCE_DETECTORS',
  'OTEL_NODE_EXPERIMENTAL_SDK_METRICS',
];

function needsSdk(environment: Environment): boolean {
  const isSet = (name: string, ...usual: string[]) => {
    const text = environment[name]?.trim();
    return text !== undefined && text !== '' && !usual.includes(text);
  };
  return (
    sdkVariables.some((name) => isSet(name)) ||
    isSet('OTEL_TRACES_EXPORTER', 'otlp') ||
    isSet('OTEL_METRICS_EXPORTER', 'none') ||
    isSet('OTEL_LOGS_EXPORTER', 'none')
  );
}

/** Starts the recorder, and sees to it that what it holds leaves before the program does. */
export function startRecorder(options: RecorderOptions): Recorder {
  const { environment, left } = options;
  const exporting = exportOptions(environment);
  const propagators = propagatorsOf(environment['OTEL_PROPAGATORS']);
  if (needsSdk(environment) || !exporting || !propagators) {
    const require = createRequire(import.meta.filename);
    const { startSdkRecorder } = require('./sdk-recorder.cjs') as typeof import('./sdk-recorder.ts');
    const recorder = startSdkRecorder(options);
    flushAtEnd(recorder, together(left, recorder.unended));
    return recorder;
  }
  const { sampler, problem } = samplerOf(environment);
  if (problem !== undefined) process.stderr.write(`sockeye: ${problem}; using parentbased_always_on.\n`);
  const recorder = startFastRecorder({ ...options, exporting, propagators, sampler });
  const unended = together(left, recorder.unended);
  left.noted = () => recorder.queue.onPending(true);
  if (mayStartThreads()) handOverAtEnd(recorder, unended);
  else flushAtEnd(recorder, unended);
  return recorder;
}

function together(...all: UnendedSpans[]): UnendedSpans {
  return {
    isEmpty: () => all.every((each) => each.isEmpty()),
    end: () => all.forEach((each) => each.end()),
  };
}

/** The permission model forbids threads unless told otherwise. */
function mayStartThreads(): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  return permission?.has('worker') ?? true;
}
