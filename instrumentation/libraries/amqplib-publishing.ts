/**
 * Messages that a program publishes by amqplib, whose instrumentation writes headers into the program's options, which may be
 * frozen, or shared by all its messages: it gets a copy. It also ends no span of a message that amqplib throws at, and takes
 * each that is not confirmed for one that the broker refused.
 */
import { fail, noteStarted, type Started } from './started-span.ts';

type Callback = (this: unknown, error: unknown, ...rest: unknown[]) => unknown;
type Publish = (this: object, ...args: unknown[]) => unknown;
type Channels = Partial<Record<'Channel' | 'ConfirmChannel', { prototype: { publish: Publish } }>>;

const files = ['amqplib/lib/channel_model.js', 'amqplib/lib/callback_model.js'];

/** `exports` are those of any file of amqplib, after its instrumentation. */
export function watchPublishing(exports: unknown, name: string): void {
  if (!files.includes(name)) return;
  const { Channel, ConfirmChannel } = Object(exports) as Channels;
  for (const { prototype } of [Channel, ConfirmChannel].flatMap((each) => each ?? [])) {
    const { publish: original } = prototype;
    prototype.publish = function publish(exchange, routingKey, content, options, confirmed) {
      const started: Started = {};
      const onConfirm: Callback = function (error) {
        if (error) fail(started.span, error);
        return typeof confirmed === 'function' ? Reflect.apply(confirmed, this, arguments) : undefined;
      };
      const args = [exchange, routingKey, content, copyOf(options), onConfirm];
      try {
        return noteStarted(started, () => Reflect.apply(original, this, args));
      } catch (error) {
        fail(started.span, error);
        throw error;
      }
    };
  }
}

/** amqplib takes what it inherits, too. */
function copyOf(options: unknown): unknown {
  if (!(options instanceof Object)) return options;
  const { headers } = options as { headers?: Record<string, unknown> };
  const copy: Record<string, unknown> = {};
  for (const name in headers) copy[name] = headers[name];
  return Object.create(options, { headers: { value: copy, writable: true } });
}
