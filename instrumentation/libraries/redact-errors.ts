/**
 * Errors of databases as spans may carry them: what they quote may be of the statement, or of the data. A message ends where that
 * begins, for what ends such a quotation nobody can tell: `Duplicate entry ?`. Names stay, as `relation "orders" does not exist`.
 */
import type { Exception, Span } from '@opentelemetry/api';

const named = [
  'catalog|collation|collection|column|command|constraint|cursor|database|domain|encoding|engine|extension|field|function|host',
  'index|key|language|parameter|procedure|relation|role|rule|schema|sequence|server|table|trigger|type|user|variable|view',
].join('|');
/** MongoDB shows documents. */
const quotation = new RegExp(
  String.raw`(?:\b(?:${named}) |@)(?:"[^"]*"|'[^']*')|(?<value>(?<!\w)["']|\{)`,
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

/** Its stack begins with the message. */
function withoutValuesIn(exception: Exception): Exception {
  if (typeof exception === 'string') return withoutValues(exception);
  const { code, name, message, stack } = Object(exception) as Record<string, unknown>;
  const text = withoutValues(String(message ?? ''));
  const calls = String(stack ?? '').match(/^ {4}at .*$/gm) ?? [];
  const known = {
    ...(code !== undefined && { code: code as string | number }),
    ...(name !== undefined && { name: String(name) }),
  };
  return { ...known, message: text, stack: [`${String(name ?? 'Error')}: ${text}`, ...calls].join('\n') };
}
