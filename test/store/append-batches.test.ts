/** Appends on their way to the writer: which of them share a message, and that none waits for ever. */
import { expect, test } from 'vitest';
import {
  createAppender,
  requestsOf,
  type AppendAnswer,
  type AppendBatch,
} from '../../collector/store/sqlite/append-batches.ts';
import { RequestRing } from '../../collector/store/sqlite/request-ring.ts';
import type { Thread } from '../../collector/store/sqlite/thread.ts';
import { StoreUnavailable } from '../../collector/store/store.ts';

interface Message {
  /** What was sent with it, as text. */
  readonly requests: readonly string[];
  answer(): void;
  fail(): void;
}

/** An appender, and the messages that it has sent to a writer which answers when it is told to. */
function openAppender() {
  const messages: Message[] = [];
  const writer: Pick<Thread, 'call'> = {
    call<T>(_method: string, batch: unknown) {
      const { promise, resolve, reject } = Promise.withResolvers<AppendAnswer[]>();
      const requests = requestsOf(batch as AppendBatch).map(String);
      messages.push({
        requests,
        answer: () => resolve(requests.map((request) => request.length)),
        fail: () => reject(new StoreUnavailable('the disk is full')),
      });
      return promise as Promise<T>;
    },
  };
  const appender = createAppender(writer, new RequestRing(1 << 20));
  return { messages, flush: appender.flush, append: (text: string) => appender.append(Buffer.from(text)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const sent = (messages: readonly Message[]) => messages.map(({ requests }) => requests.join());

test('appends of one turn go in one message, and each gets its own answer', async () => {
  const { append, messages } = openAppender();
  const appends = [append('a'), append('bb')];
  expect(messages).toEqual([]);
  await turn();
  expect(sent(messages)).toEqual(['a,bb']);
  messages[0]!.answer();
  expect((await Promise.all(appends)).map(({ stored }) => stored)).toEqual([1, 2]);
});

test('those that come while a message is under way go together when it is answered', async () => {
  const { append, messages } = openAppender();
  const first = append('a');
  await turn();
  const second = append('b');
  await turn();
  const third = append('c');
  await turn();
  expect(sent(messages)).toEqual(['a']);
  messages[0]!.answer();
  await first;
  expect(sent(messages)).toEqual(['a', 'b,c']);
  messages[1]!.answer();
  await Promise.all([second, third]);
});

test('many bytes do not wait for an answer', async () => {
  const { append, messages } = openAppender();
  const appends = [append('a')];
  await turn();
  const half = 'x'.repeat(128 << 10);
  appends.push(append(half));
  await turn();
  expect(messages.length).toBe(1);
  appends.push(append(half));
  await turn();
  expect(sent(messages)).toEqual(['a', `${half},${half}`]);
  for (const { answer } of messages) answer();
  await Promise.all(appends);
});

test('what is asked next comes behind what waits', async () => {
  const { append, flush, messages } = openAppender();
  const appends = [append('a')];
  await turn();
  appends.push(append('b'));
  flush();
  expect(sent(messages)).toEqual(['a', 'b']);
  await turn();
  expect(messages.length).toBe(2);
  for (const { answer } of messages) answer();
  await Promise.all(appends);
});

test('what waits behind a message that fails is sent all the same', async () => {
  const { append, messages } = openAppender();
  const first = append('a');
  await turn();
  const second = append('b');
  messages[0]!.fail();
  await expect(first).rejects.toThrow('the disk is full');
  await turn();
  expect(sent(messages)).toEqual(['a', 'b']);
  messages[1]!.answer();
  expect((await second).stored).toBe(1);
});
