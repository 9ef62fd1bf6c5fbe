/** URLs as spans may carry them: without user names, passwords, fragments, and without the values of secret-looking query keys. */

const secretKey =
  /token|secret|passw|pwd|api[-_]?key|access[-_]?key|auth|signature|^sig$|^key$|credential|session|jwt|^code$/i;

/** The query without its `?`, secret values replaced, the rest byte for byte as it was sent. */
export function redactQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals === -1) return pair;
      const key = pair.slice(0, equals);
      return secretKey.test(key) ? `${key}=REDACTED` : pair;
    })
    .join('&');
}

export interface Target {
  path: string;
  /** Redacted, without `?`; undefined when the request has none. */
  query: string | undefined;
}

/** Splits the target of a request line, `/path?query#fragment`, into what may be recorded. */
export function splitTarget(target: string): Target {
  const hash = target.indexOf('#');
  const whole = hash === -1 ? target : target.slice(0, hash);
  const mark = whole.indexOf('?');
  if (mark === -1) return { path: whole, query: undefined };
  return { path: whole.slice(0, mark), query: redactQuery(whole.slice(mark + 1)) };
}

/** `https://user:pw@host/a?token=x` becomes `https://host/a?token=REDACTED`. */
export function fullUrl(origin: string, { path, query }: Target): string {
  const bare = (origin + path).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
  return bare + (query === undefined ? '' : `?${query}`);
}
