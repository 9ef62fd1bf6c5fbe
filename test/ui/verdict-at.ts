/** The verdict of a give-up at a span, for tests; what is not given is that of the connect timeout of the fixture. */
import type { Verdict } from '../../collector/serve/wire.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';

const template = diagnosis.verdicts[0] as Verdict;

export function verdictAt(
  spanId: string,
  giveUp: Partial<Verdict['giveUp']>,
  rest: Partial<Verdict> = {},
): Verdict {
  return {
    ...template,
    ...rest,
    giveUp: { ...template.giveUp, spanId, ...giveUp },
    origin: { ...template.origin, spanId },
  };
}
