/** What an instrumentation says of a span, as the hook records it: no secrets, bounded, in the current conventions. Pure. */
import type { Attributes } from '@opentelemetry/api';
import { fullUrl, splitTarget } from '../redact.ts';
import { STATEMENT_CHARS_MAX } from './redact-sql.ts';

const urlKeys = ['url.full', 'http.url', 'messaging.url'];
const targetKeys = ['url.path', 'http.target'];
const statementKeys = ['db.query.text', 'db.statement'];

/** Redis commands that wait for something to come: long by design. XREAD and XREADGROUP do when told to. */
const blockingCommand = /^(?:B(?:L|R|Z)[A-Z]+|P?SUBSCRIBE|SSUBSCRIBE|MONITOR|WAIT|WAITAOF)$/i;
const streamRead = /^XREAD(?:GROUP)?$/i;

export function tidyAttributes(attributes: Attributes): Attributes {
  const tidied: Attributes = { ...attributes };
  for (const key of urlKeys) replaceText(tidied, key, (url) => fullUrl('', splitTarget(url)));
  for (const key of targetKeys) replaceText(tidied, key, redactTarget);
  for (const key of statementKeys) replaceText(tidied, key, (text) => text.slice(0, STATEMENT_CHARS_MAX));
  nameDestination(tidied);
  if (waitsByDesign(tidied)) tidied['sockeye.stream'] = true;
  return tidied;
}

function replaceText(attributes: Attributes, key: string, change: (text: string) => string): void {
  const text = attributes[key];
  if (typeof text === 'string') attributes[key] = change(text);
}

function redactTarget(target: string): string {
  const { path, query } = splitTarget(target);
  return query === undefined ? path : `${path}?${query}`;
}

/** amqplib's instrumentation names the exchange only; the default one is a way to a queue, which the routing key names. */
function nameDestination(attributes: Attributes): void {
  const exchange = attributes['messaging.destination'];
  if (exchange === undefined || attributes['messaging.destination.name'] !== undefined) return;
  attributes['messaging.destination.name'] = exchange || attributes['messaging.rabbitmq.routing_key'];
}

function waitsByDesign(attributes: Attributes): boolean {
  if (attributes['db.system.name'] !== 'redis') return false;
  const command = String(attributes['db.operation.name']);
  const isToldToWait = streamRead.test(command) && /\bBLOCK\b/i.test(String(attributes['db.query.text']));
  return blockingCommand.test(command) || isToldToWait;
}
