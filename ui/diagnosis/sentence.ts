/** Sentences with their names and times emphasised, and an incident's sentence. Pure. */
import type { Incident, Verdict } from '../../collector/serve/wire.ts';
import { formatClock, formatCount, formatShare } from '../format.ts';

export interface SentencePart {
  readonly text: string;
  readonly strong: boolean;
}

/** Splits a text so that every occurrence of a term stands alone; longer terms win over their parts. */
export function emphasise(sentence: string, terms: readonly string[]): SentencePart[] {
  const wanted = [...new Set(terms.filter((term) => term !== ''))].toSorted((a, b) => b.length - a.length);
  if (wanted.length === 0) return [{ text: sentence, strong: false }];
  const pattern = new RegExp(`(?<![\\w.-])(${wanted.map(escape).join('|')})(?!\\w|[.:-]\\w)`, 'g');
  const parts: SentencePart[] = [];
  let from = 0;
  for (const match of sentence.matchAll(pattern)) {
    if (match.index > from) parts.push({ text: sentence.slice(from, match.index), strong: false });
    parts.push({ text: match[0], strong: true });
    from = match.index + match[0].length;
  }
  if (from < sentence.length) parts.push({ text: sentence.slice(from), strong: false });
  return parts;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The names in a verdict's sentence that the eye should find first: who, towards whom, after how long. */
export function verdictTerms(verdict: Verdict): string[] {
  const { giveUp, origin } = verdict;
  const times = verdict.sentence.match(/\d[\d.,]*\s?(?:ms|s|min)\b/g) ?? [];
  const addresses = verdict.sentence.match(/[\w.-]+:\d{2,5}\b/g) ?? [];
  const [caller = '', callee = ''] = origin.edge.split('->');
  return [...addresses, giveUp.service, origin.service, origin.peer ?? '', caller, callee, times[0] ?? ''];
}

const CANNOT: Record<string, string> = {
  queue: 'gets no free connection to',
  dns: 'cannot resolve',
  connect: 'cannot connect to',
  tls: 'cannot finish the TLS handshake with',
  send: 'cannot send its requests to',
  wait: 'gets no answer from',
  receive: 'does not get whole answers from',
};

const KIND: Record<string, string> = {
  refused: 'is refused by',
  reset: 'is cut off by',
  unreachable: 'cannot reach',
  unresolved: 'cannot resolve',
  tls: 'cannot agree on TLS with',
  gateway: 'gets gateway errors from',
};

/** `checkout cannot connect to payments since 14:01: 41 timeouts, 12 % of its calls.` From counted facts alone. */
export function incidentSentence(incident: Incident, nowMs: number): SentencePart[] {
  const [caller = '', callee = ''] = incident.edge.split('->');
  const plain = (text: string): SentencePart => ({ text, strong: false });
  const strong = (text: string): SentencePart => ({ text, strong: true });
  const verb = KIND[incident.kind] ?? CANNOT[incident.phase] ?? 'gives up on';
  const subject =
    callee === ''
      ? [strong(caller), plain(' does not finish its own work')]
      : [strong(caller), plain(` ${verb} `), strong(callee)];
  const since = formatClock(incident.firstSeen, { nowMs }).replace(/(\d\d:\d\d):\d\d$/, '$1');
  const noun = incident.kind === 'timeout' ? 'timeout' : 'failed call';
  const count = `${formatCount(incident.count)} ${noun}${incident.count === 1 ? '' : 's'}`;
  const share = incident.share > 0 && callee !== '' ? `, ${formatShare(incident.share)} of its calls` : '';
  const was = incident.state === 'resolved' ? ', resolved' : '';
  return [...subject, plain(` since ${since}${was}: `), strong(count + share), plain('.')];
}

export function sentenceText(parts: readonly SentencePart[]): string {
  return parts.map((part) => part.text).join('');
}

/** What is wrong now comes first: ongoing before new before resolved, then by count. */
export function orderIncidents(incidents: readonly Incident[]): Incident[] {
  const rank = ({ state, mutedUntil }: Incident) => (state === 'resolved' ? 2 : mutedUntil === null ? 0 : 1);
  return incidents.toSorted(
    (a, b) => rank(a) - rank(b) || b.count - a.count || (a.fingerprint < b.fingerprint ? -1 : 1),
  );
}
