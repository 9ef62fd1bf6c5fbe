/** Receivers that were told who may send: origins of pages, and a token. */
import { describe, expect, test } from 'vitest';
import { encode } from '../decode/otlp-proto.ts';
import { JSON_TYPE, postTo, statusOf } from './otlp-http-client.ts';
import { newSpans, startReceivers, tracesOf } from './receivers.ts';

describe('CORS', () => {
  test('a configured origin may send, preflight first; another may not', async () => {
    const open = await startReceivers({ cors: ['https://app.example'] });
    try {
      const preflight = {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      };
      const asked = await postTo(open, '', preflight, { method: 'OPTIONS' });
      expect(asked.status).toBe(204);
      expect(asked.headers['access-control-allow-origin']).toBe('https://app.example');
      const sent = await postTo(open, '{}', { origin: 'https://app.example', 'content-type': JSON_TYPE });
      expect(sent).toMatchObject({ status: 200 });
      expect(sent.headers['access-control-allow-origin']).toBe('https://app.example');
      const foreign = await postTo(open, '{}', { origin: 'https://evil.example', 'content-type': JSON_TYPE });
      expect(foreign.status).toBe(403);
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    } finally {
      await open.close();
    }
  });
});

test('with a token, a request without it is 401 and stores nothing', async () => {
  const closed = await startReceivers({ token: 's3cret' });
  try {
    const body = encode('TracesData', tracesOf(newSpans(1)));
    const without = await postTo(closed, body, {});
    expect(without.status).toBe(401);
    expect(statusOf(without).code).toBe(16);
    expect(await postTo(closed, body, { authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
    });
    expect(await postTo(closed, body, { authorization: 'Bearer s3cret' })).toMatchObject({
      status: 200,
    });
    expect(closed.intake.counters().stored).toBe(1);
  } finally {
    await closed.close();
  }
});
