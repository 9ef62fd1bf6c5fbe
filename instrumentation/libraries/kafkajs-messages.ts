/**
 * What a program gives kafkajs, whose instrumentation writes into it, though it may be frozen or shared, and throws at what it cannot
 * read, where kafkajs rejects a promise. It gets copies, and nothing that it cannot read. A handler of messages that throws, before
 * it gives a promise, would not end its span.
 */
type Method = (this: object, ...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;
type Copy = (given: unknown) => object | undefined;

type Fields = Record<string, unknown>;

/** What kafkajs reads of each, wherever that has it from: a class may have given it. */
const ofBatch = ['acks', 'timeout', 'compression'];
const ofRecord = [...ofBatch, 'topic'];
const ofMessage = ['partition', 'timestamp'];
const ofRun = [
  'autoCommit',
  'autoCommitInterval',
  'autoCommitThreshold',
  'eachBatchAutoResolve',
  'partitionsConsumedConcurrently',
];
const handlers = ['eachMessage', 'eachBatch'];

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
  const { messages } = Object(given) as Fields;
  if (!Array.isArray(messages)) return undefined;
  const copies = messages.map(copyMessage);
  return copies.every(Boolean) ? { ...copyOf(given as Fields, ofRecord), messages: copies } : undefined;
}

/** None of one that is not as it should be. Key and value kafkajs takes only from the message itself, and so does the copy. */
function copyMessage(message: Fields | null | undefined): object | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const copy: Fields = { ...copyOf(message, ofMessage), headers: { ...(message['headers'] as object) } };
  if (copy['value'] === undefined || copy['value'] !== message['value'] || copy['key'] !== message['key'])
    return undefined;
  // The program's partitioner may ask it for more.
  return Object.getPrototypeOf(message) === Object.prototype
    ? copy
    : (Object.setPrototypeOf(copy, message) as object);
}

function copyBatch(given: unknown): object | undefined {
  const { topicMessages } = Object(given) as Fields;
  if (!Array.isArray(topicMessages)) return undefined;
  const copies = topicMessages.map(copyRecord);
  return copies.every(Boolean) ? { ...copyOf(given as Fields, ofBatch), topicMessages: copies } : undefined;
}

function copyHandlers(config: unknown): unknown {
  if (!(config instanceof Object)) return config;
  const copy = copyOf(config as Fields, [...ofRun, ...handlers]);
  for (const name of handlers) {
    const handler = copy[name];
    if (typeof handler !== 'function') continue;
    copy[name] = async function (this: unknown) {
      return Reflect.apply(handler, this, arguments);
    };
  }
  return copy;
}

function copyOf(given: Fields, names: readonly string[]): Fields {
  const copy = { ...given };
  for (const name of names) if (given[name] !== undefined) copy[name] = given[name];
  return copy;
}
