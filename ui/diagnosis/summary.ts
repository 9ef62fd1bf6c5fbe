/** A verdict as Markdown, for the channel where the incident is discussed. Pure. */
import type { Verdict } from '../../collector/serve/wire.ts';
import { formatValue } from '../timeline/format-value.ts';

const CAUSE = {
  proven: 'Cause',
  likely: 'Likely cause',
  possible: 'Likeliest cause',
  unknown: 'Cause',
} as const;

export function summariseVerdict(verdict: Verdict, traceId: string, link: string): string {
  const lines = [
    `**${verdict.sentence}**`,
    '',
    `- Confidence: ${verdict.confidence}${verdict.reason === null ? '' : ` (${verdict.reason})`}`,
    `- ${CAUSE[verdict.confidence]}: ${verdict.title}${verdict.cause === 'unknown' ? '' : ` (${verdict.cause})`}, phase ${verdict.phase}`,
    `- Origin: ${verdict.origin.edge}${verdict.origin.peer === null ? '' : `, ${verdict.origin.peer}`}`,
    `- Gave up: ${verdict.giveUp.service} at ${verdict.giveUp.at}`,
  ];
  if (verdict.evidence.length > 0) {
    lines.push('', 'Evidence:');
    for (const item of verdict.evidence) {
      const fact = item.attribute === null ? '' : ` (\`${item.attribute}\` = \`${formatValue(item.value)}\`)`;
      lines.push(`- ${item.source}: ${item.text}${fact}`);
    }
  }
  if (verdict.alternatives.length > 0) {
    lines.push('', 'It can also be:');
    for (const other of verdict.alternatives) {
      lines.push(`- ${other.title} (${other.cause}); would decide: ${other.wouldDecide}`);
    }
  }
  if (verdict.nextChecks.length > 0) {
    lines.push('', 'Next checks:');
    for (const check of verdict.nextChecks) {
      lines.push(`- ${check.text}${check.command === '' ? '' : `: \`${check.command}\``}`);
    }
  }
  lines.push('', `Trace \`${traceId}\`: ${link}`);
  return lines.join('\n');
}
