import { describe, expect, it, test } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { plainText } from '../../collector/diagnose/plain-text.ts';
import { serviceOf } from '../../collector/span.ts';
import { makeSpan } from './make-span.ts';

describe('what a verdict says in words', () => {
  it('is one line, whatever a name holds, and reads in the order it was written', () => {
    expect(plainText('a\nb\r\tc\u001b[31m\u2028d')).toBe('a\uFFFDb\uFFFD\uFFFDc\uFFFD[31m\uFFFDd');
    expect(plainText('\u202egnp.exe\u202c \u2066x\u2069')).toBe('\uFFFDgnp.exe\uFFFD \uFFFDx\uFFFD');
  });

  it('keeps every other character of every script', () => {
    const text = 'checkout → שלום 日本 <b>&amp;</b> "$(x)" \u{1F41F}';
    expect(plainText(text)).toBe(text);
  });

  it('keeps 1,000 characters whole, and both ends of one more', () => {
    const whole = `a${'x'.repeat(998)}z`;
    expect(plainText(whole)).toBe(whole);
    expect(plainText(`a${'x'.repeat(999)}z`)).toBe(`a${'x'.repeat(499)}…${'x'.repeat(498)}z`);
    expect(plainText('\u{1F41F}'.repeat(800))).toHaveLength(1_000);
  });
});

describe('a service’s name', () => {
  const named = (name: string) =>
    serviceOf(
      makeSpan({
        resource: { attributes: new Map([['service.name', name]]), droppedAttributes: 0, schemaUrl: '' },
      }),
    );

  it('is shown whole up to 1,024 characters, and cut beyond', () => {
    expect(named('n'.repeat(1_024))).toBe('n'.repeat(1_024));
    expect(named('n'.repeat(1_025))).toBe(`${'n'.repeat(1_023)}…`);
  });
});

test.each([
  ['of 1 MB', 'n'.repeat(1_000_000)],
  ['with line ends and control characters', 'a\r\nX-Evil: 1\u0000\u001b[2J'],
  ['that turn the direction of writing', '\u202etuo emit on\u2066'],
])('names %s make a verdict of bounded length, each text one plain line', (_what, name) => {
  const resource = { attributes: new Map([['service.name', name]]), droppedAttributes: 0, schemaUrl: '' };
  const call = makeSpan({
    name,
    resource,
    status: { code: 'error', message: `connect ETIMEDOUT ${name}` },
    attributes: {
      'server.address': name,
      'server.port': 443,
      'url.full': `http://${name}/`,
      'error.type': name,
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': name,
      'sockeye.timeout.budget_ms': 1_000,
    },
  });
  const own = makeSpan({
    name,
    resource,
    spanId: '0'.repeat(15) + '2',
    parentSpanId: call.spanId,
    kind: 'server',
  });
  const { verdicts } = diagnoseTrace(call.traceId, [call, own], { normals: new Map() });
  expect(verdicts).toHaveLength(1);
  const { sentence, title, evidence, alternatives, contributing, nextChecks, giveUp } = verdicts[0]!;
  const texts = [sentence, title, ...[...evidence, ...contributing, ...nextChecks].map(({ text }) => text)];
  for (const text of [...texts, ...alternatives.map((other) => other.title), giveUp.timer ?? '']) {
    expect(plainText(text)).toBe(text);
  }
  expect(nextChecks.filter(({ command }) => /[\p{Cc}\u202e]/u.test(command))).toEqual([]);
  expect(JSON.stringify(verdicts).length).toBeLessThan(50_000);
});
