/**
 * What a program gives kafkajs, whose instrumentation writes into it, though it may be frozen or shared, and throws at what it cannot
 * read, where kafkajs rejects a promise. It gets copies, and nothing that it cannot read. A handler of messages that throws, before
 * it gives a promise, would not end its span.
 */
type Method = (this: object, ...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;
type Copy = (given: unknown) => object | undefined;

interface Message {
  key?: unknown;
  value?: unknown;
  headers?: object;
}
interface Messages {
  messages?: unknown;
}
interface Batch {
  topicMessages?: unknown;
}

const plain = new WeakMap<object, Methods>();
const sends: Record<string, Copy> = { send: copyRecord, sendBatch: copyBatch };

/** `exports` are those of any file of kafkajs, before its instrumentation. */
export function keepPlain(exports: unknown, name: string): void {
  wrapMethod(kafkaIn(exports, name), 'producer', (producer) => plain.set(producer, { ...producer }));
}

/** The same, after it. */
export function watchGiven(exports: unknown, name: string): void {
  const kafka = kafkaIn(exports, name);
  wrapMethod(kafka, 'producer', (producer) => {
    giveCopies(producer, plain.get(producer) ?? {});
    wrapMethod(producer, 'transaction', (begun) => {
      // Before the program goes on.
      if (begun instanceof Promise)
        void begun.then(
          (transaction: Methods) => giveCopies(transaction, {}),
          () => {},
        );
    });
  });
  wrapMethod(kafka, 'consumer', (consumer) => {
    const { run } = consumer;
    if (run)
      consumer.run = (config, ...rest) => Reflect.apply(run, consumer, [copyHandlers(config), ...rest]);
  });
}

function kafkaIn(exports: unknown, name: string): Methods | undefined {
  const { Kafka } = Object(exports) as { Kafka?: { prototype?: Methods } };
  return name === 'kafkajs' ? Kafka?.prototype : undefined;
}

/** `seen` gets what the method gives. */
function wrapMethod(owner: Methods | undefined, name: string, seen: (given: Methods) => void): void {
  const original = owner?.[name];
  if (!original) return;
  owner[name] = function () {
    const given = Reflect.apply(original, this, arguments);
    if (given instanceof Object) seen(given as Methods);
    return given;
  };
}

function giveCopies(sender: Methods, untraced: Methods): void {
  for (const [name, copy] of Object.entries(sends)) {
    const traced = sender[name];
    if (!traced) continue;
    sender[name] = function (given) {
      const copied = copy(given);
      return copied
        ? Reflect.apply(traced, this, [copied])
        : Reflect.apply(untraced[name] ?? traced, this, arguments);
    };
  }
}

function copyRecord(given: unknown): object | undefined {
  const { messages } = Object(given) as Messages;
  if (!Array.isArray(messages)) return undefined;
  const copies = messages.map(copyMessage);
  return copies.every(Boolean) ? { ...(given as object), messages: copies } : undefined;
}

/** None of one that is not as it should be, or has its values elsewhere than in fields of its own. */
function copyMessage(message: Message | null | undefined): Message | undefined {
  const { key, value, headers } = message ?? {};
  const copy = { ...message, headers: { ...headers } };
  return value !== undefined && copy.value === value && copy.key === key ? copy : undefined;
}

function copyBatch(given: unknown): object | undefined {
  const { topicMessages } = Object(given) as Batch;
  if (!Array.isArray(topicMessages)) return undefined;
  const copies = topicMessages.map(copyRecord);
  return copies.every(Boolean) ? { ...(given as object), topicMessages: copies } : undefined;
}

function copyHandlers(config: unknown): unknown {
  if (!(config instanceof Object)) return config;
  const copy = { ...config } as Methods;
  for (const name of ['eachMessage', 'eachBatch']) {
    const handler = copy[name];
    if (typeof handler !== 'function') continue;
    copy[name] = async function () {
      return Reflect.apply(handler, this, arguments);
    };
  }
  return copy;
}
