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
  consumer() {
    return { run: async (config: object) => config };
  }
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

it('what a class gives is sent, and heard', async () => {
  watchGiven({ Kafka }, 'kafkajs');
  class Order {
    #shop = 3;
    value = 'x';
    get partition() {
      return this.#shop;
    }
  }
  class Orders {
    messages = [new Order()];
    get topic() {
      return 'orders';
    }
  }
  class Handlers {
    autoCommit = false;
    async eachMessage(told: string) {
      return `got ${told}`;
    }
  }
  const kafka = new Kafka();
  const sent = await kafka.producer().send(new Orders());
  expect(sent).toMatchObject({ topic: 'orders', messages: [{ value: 'x', partition: 3, headers: {} }] });
  const config = (await kafka.consumer().run(new Handlers())) as Handlers;
  expect(config.autoCommit).toBe(false);
  expect(await config.eachMessage('it')).toBe('got it');
});
