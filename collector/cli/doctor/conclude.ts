/** What the steps of `sockeye doctor` come to: where it stops, why, what is missing to know more; as text and as JSON. Pure. */
import type { Verdict } from '../../diagnose/verdict.ts';
import { formatVerdicts } from '../format-verdict.ts';
import { paragraph, printable, type Terminal } from '../terminal.ts';
import { failureWords, type Mark } from './format-steps.ts';
import { kernelWordOf } from './judge.ts';
import type { Order } from './reports.ts';
import type { EndedStep } from './run-probe.ts';
import { labelOf, type Target } from './target.ts';

/** A step, and what was found of it. */
export interface Finding {
  readonly step: EndedStep;
  readonly mark: Mark;
  readonly verdict: Verdict | null;
}

export function headLines(
  { http, isHttp2, isTls, ...place }: Target,
  proxy: string | null,
  { columns, paint }: Terminal,
) {
  const what = `${isHttp2 ? 'HTTP/2' : http === null ? 'TCP' : 'HTTP'}${isTls ? ' over TLS' : ''}`;
  return [
    paint('strong', printable(`${labelOf(place)} · ${what}`)),
    ...(proxy === null
      ? []
      : paragraph(printable(`Goes direct; other programs may go by ${proxy}.`), columns, '')),
    '',
  ];
}

export function conclusion(
  findings: readonly Finding[],
  { target, hook }: Order,
  terminal: Terminal,
): string[] {
  const { columns, paint } = terminal;
  const faults = findings.filter(({ mark }) => mark === 'fault');
  const label = labelOf(target);
  const taken = target.http === null ? 'takes connections' : 'answers';
  const answered = target.isHttp2 ? 'speaks HTTP/2' : taken;
  const fine = `Nothing stops it from here: ${label} ${answered}.`;
  const verdicts = groupVerdicts(faults, findings.filter(({ step }) => step.step === 'connect').length);
  const missing = missingEvidence(findings, hook);
  return [
    '',
    ...(faults.length === 0
      ? [...paragraph(fine, columns, '✓ ', (line) => paint('fine', line)), '']
      : [
          ...(verdicts.length === 0
            ? []
            : formatVerdicts(printableVerdicts(verdicts), terminal, true, false)),
          ...faults
            .filter(({ verdict }) => verdict === null)
            .flatMap((each) => unexplained(each, label, terminal)),
        ]),
    ...(missing === null ? [] : [...paragraph(missing, columns, '', (line) => paint('quiet', line)), '']),
  ];
}

/** Of several addresses that failed alike, one verdict, which names them. */
function groupVerdicts(faults: readonly Finding[], addressesTried: number): Verdict[] {
  const judged = faults.filter((each): each is Finding & { verdict: Verdict } => each.verdict !== null);
  const alike = Map.groupBy(judged, ({ step, verdict }) =>
    [step.step, verdict.cause, verdict.giveUp.kind, verdict.phase].join(),
  );
  return [...alike.values()].map((group) => {
    const { verdict } = group[0]!;
    const addresses = group.map(({ step }) => step.address).join(', ');
    const isNamed = group[0]!.step.step === 'connect' && addressesTried > 1;
    return isNamed ? { ...verdict, sentence: `${addresses}: ${verdict.sentence}` } : verdict;
  });
}

function printableVerdicts(verdicts: readonly Verdict[]): Verdict[] {
  return JSON.parse(JSON.stringify(verdicts), (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as Verdict[];
}

/** A failure that no cause is known for: an answer that says 500, or is no HTTP. */
function unexplained({ step }: Finding, label: string, { columns, paint }: Terminal): string[] {
  const { answer, failure } = step;
  const said =
    answer !== undefined && failure === null
      ? `${label} was reached, and answered ${answer.status}: what failed is in its own work; its logs know of it.`
      : `The ${step.step} step with ${label} failed: ${failure === null ? '' : failureWords(failure)}.`;
  return [...paragraph(printable(said), columns, '✕ ', (line) => paint('error', line)), ''];
}

/** Which evidence is missing, and why; null where there is all. */
function missingEvidence(findings: readonly Finding[], hook: string | null): string | null {
  const calls = findings.filter(({ step }) => step.step !== 'dns');
  if (calls.length === 0) return null;
  const none = 'No kernel evidence: ';
  if (hook === null)
    return `${none}the package @sockeye/instrumentation is not installed beside this command; times and errors are its own.`;
  const words = calls.map(({ step }) => kernelWordOf(step.span?.attributes));
  if (calls.every(({ step }) => step.span === null))
    return `${none}the hook, ${printable(hook)}, told nothing; times and errors are this command's own. In a clone: npm run build.`;
  const lacking = words.find(({ source }) => source === 'none' || source === 'proc');
  if (lacking === undefined) return null;
  const how = lacking.source === 'proc' ? 'Less kernel evidence, from /proc alone: ' : none;
  return `${how}${printable(lacking.problem || 'the kernel could not be asked')}.`;
}

export function findingsAsJson({ target, hook }: Order, proxy: string | null, findings: readonly Finding[]) {
  const stop = findings.find(({ mark }) => mark === 'fault');
  return {
    target: labelOf(target),
    host: target.host,
    port: target.port,
    tls: target.isTls,
    ok: stop === undefined,
    stoppedAt: stop?.step.step ?? null,
    proxy,
    steps: findings.map(({ step, mark }) => {
      const { step: name, address, startUnixMs, ms, phases, failure, span, ...rest } = step;
      const tcp = [...(span?.attributes ?? [])].filter(([key]) => key.startsWith('sockeye.tcp.'));
      return {
        step: name,
        address,
        result: mark,
        startedAt: new Date(startUnixMs).toISOString(),
        ms,
        phases,
        failure,
        ...(rest.lookup && { lookup: rest.lookup }),
        ...(rest.tls && { tls: rest.tls }),
        ...(rest.answer && { answer: rest.answer }),
        ...(rest.heard && { heard: rest.heard }),
        kernel: span === null ? null : Object.fromEntries(tcp),
      };
    }),
    missing: missingEvidence(findings, hook),
    verdicts: findings.flatMap(({ verdict }) => (verdict === null ? [] : [verdict])),
  };
}
