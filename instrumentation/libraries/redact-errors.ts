/**
 * Errors of databases as spans may carry them: what they quote may be of the statement, or of the data. A message ends where that
 * begins, for what ends such a quotation nobody can tell: `Duplicate entry ?`. Names stay, as `relation "orders" does not exist`.
 */
import type { Exception, Span } from '@opentelemetry/api';

const named = [
  'catalog|collation|collection|column|command|constraint|cursor|database|domain|encoding|engine|extension|field|function|host',
  'index|key|language|parameter|procedure|relation|role|rule|schema|sequence|server|table|trigger|type|user|variable|view',
].join('|');
/** MongoDB shows documents, older versions of Redis mark what they were sent as MySQL does names, PostgreSQL quotes as its language does. */
const quotation = new RegExp(
  String.raw`(?:\b(?:${named}) |@)(?:"[^"]*"|'[^']*')|(?<value>(?<!\w)["']|[{«»„“”‹›]|(?<=args beginning with: ).)`,
  'gi',
);

export function withoutValues(message: string): string {
  for (const { index, groups } of message.matchAll(quotation)) {
    if (groups?.['value'] !== undefined) return `${message.slice(0, index)}?`;
  }
  return message;
}

/** From now on, the span takes no values with its errors. */
export function redactErrors(span: Span): void {
  if (!span.isRecording()) return;
  const { recordException, setStatus } = span;
  span.recordException = (exception, time) =>
    Reflect.apply(recordException, span, [withoutValuesIn(exception), time]);
  span.setStatus = ({ code, message }) =>
    Reflect.apply(setStatus, span, [
      typeof message === 'string' ? { code, message: withoutValues(message) } : { code },
    ]);
}

/** Whoever made it may have made it so that it throws at whoever reads it. */
function withoutValuesIn(exception: Exception): Exception {
  try {
    return typeof exception === 'string' ? withoutValues(exception) : readWithoutValues(exception);
  } catch {
    return { name: 'Error', message: '' };
  }
}

/** Its stack begins with the message. */
function readWithoutValues(exception: object): Exception {
  const { code, name, message, stack } = Object(exception) as Record<string, unknown>;
  const text = withoutValues(String(message ?? ''));
  const calls = String(stack ?? '').match(/^ {4}at .*$/gm) ?? [];
  const known = {
    ...(code !== undefined && { code: code as string | number }),
    ...(name !== undefined && { name: String(name) }),
  };
  return { ...known, message: text, stack: [`${String(name ?? 'Error')}: ${text}`, ...calls].join('\n') };
}
