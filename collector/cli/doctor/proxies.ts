/** What the environment says of proxies: this command goes direct, and other programs may not. Pure. */
import type { Target } from './target.ts';
import { withoutSecrets } from './without-secrets.ts';

/** `HTTPS_PROXY=http://…@proxy:3128`; null where no proxy would be taken. */
export function proxyFor(
  { http, isTls, host }: Target,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (http === null) return null;
  const names = [isTls ? 'HTTPS_PROXY' : 'HTTP_PROXY', 'ALL_PROXY'];
  for (const name of names) {
    for (const spelt of [name.toLowerCase(), name]) {
      const value = environment[spelt];
      if (!value) continue;
      return isExcepted(host, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')
        ? null
        : `${spelt}=${withoutSecrets(value)}`;
    }
  }
  return null;
}

function isExcepted(host: string, exceptions: string): boolean {
  return exceptions
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((each) => each.replace(/^\*?\./, '').toLowerCase())
    .some((each) => each === '*' || host === each || host.endsWith(`.${each}`));
}
