/** A URL as it may be shown: without user, password, query and fragment, whether it is a good one or not. Pure. */

/** `https://…@login.example/cb?…`: what is left out is seen to be missing. */
export function withoutSecrets(text: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?([^]*)$/i.exec(text)!;
  // A path alone has no password before its `@`.
  if (scheme === '' && /^\/(?!\/)/.test(rest)) return withoutQuery(rest);
  // Of a bad one, what looks like a query may belong to the password.
  const isRead = /^https?:/i.test(scheme) && URL.canParse(text);
  return scheme + withoutQuery((isRead ? withoutQuery(rest) : rest).replace(/^[^]*@/, '…@'));
}

function withoutQuery(text: string): string {
  return text.replace(/[?#][^]*$/, '?…');
}
