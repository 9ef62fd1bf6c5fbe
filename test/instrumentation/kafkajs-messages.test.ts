/** Messages of a transaction, which the broker that the tests have does not know. */
import { expect, it } from 'vitest';
import { watchGiven } from '../../instrumentation/libraries/kafkajs-messages.ts';

interface Sender {
  send(record: unknown): Promise<unknown>;
  sendBatch(batch: unknown): Promise<unknown>;
}

/** What it sends it gives back. */
const sender: Sender = { send: async (record) => record, sendBatch: async (batch) => batch };
class Kafka {
  producer() {
    return { ...sender, transaction: async (): Promise<Sender> => ({ ...sender }) };
  }
}

it('the instrumentation may write into what is sent in a transaction, and not into what the program gave', async () => {
  watchGiven({ Kafka }, 'kafkajs');
  const transaction = await new Kafka().producer().transaction();
  const record = Object.freeze({ topic: 'orders', messages: Object.freeze([Object.freeze({ value: 'x' })]) });
  const batch = Object.freeze({ topicMessages: Object.freeze([record]) });
  const copy = { topic: 'orders', messages: [{ value: 'x', headers: {} }] };
  expect(await transaction.send(record)).toEqual(copy);
  expect(await transaction.sendBatch(batch)).toEqual({ topicMessages: [copy] });
  expect(record.messages).toEqual([{ value: 'x' }]);
});

it('what cannot be read is left to kafkajs', async () => {
  watchGiven({ Kafka }, 'kafkajs');
  const { send, sendBatch } = new Kafka().producer();
  for (const given of [undefined, {}, { messages: [null] }, { messages: [{ key: 'without a value' }] }]) {
    expect(await send(given)).toBe(given);
    expect(await sendBatch({ topicMessages: [given] })).toEqual({ topicMessages: [given] });
  }
});
