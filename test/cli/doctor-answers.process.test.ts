/** What `sockeye doctor` makes of the answers of real peers: broken, endless, leading elsewhere. */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { examine, listening, peer, startDoctor } from './doctor-peers.ts';

test('a head of an answer that never ends is no silence', async () => {
  const dripping = await peer(
    listening(
      createServer((socket) => {
        socket
          .on('error', () => {})
          .once('data', () => {
            socket.write('HTTP/1.1 200 OK\r\n');
            const drip = setInterval(() => socket.write('X: y\r\n'), 100);
            socket.once('close', () => clearInterval(drip));
          });
      }),
    ),
  );
  const endless = await examine([`http://127.0.0.1:${dripping}/`, '--timeout', '1s']);
  expect(endless.verdict).toMatchObject({ phase: 'wait', cause: 'G5' });
  expect(endless.verdict!.sentence).toContain('bytes came back, but never the whole head of an answer');
});

test('an answer that breaks the rules of HTTP/1, and one that is none', async () => {
  const answers = [
    [`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhiX', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nxx', 'HPE_INVALID_CHUNK_SIZE'],
    ['220 ready\r\n', 'HPE_INVALID_CONSTANT'],
  ] as const;
  for (const [answer, code] of answers) {
    const port = await peer(
      listening(
        createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(answer))),
      ),
    );
    const { stdout } = await startDoctor([`http://127.0.0.1:${port}/`, '--timeout', '2s']).ended;
    expect(stdout, code).toContain(code);
    expect(stdout.includes('is no HTTP/1'), code).toBe(code === 'HPE_INVALID_CONSTANT');
  }
});

test('where a redirection leads is told without its secrets', async () => {
  const location = 'https://user:s3cret@login.example/cb?code=abc#f';
  const port = await peer(
    listening(createHttpServer((_, response) => response.writeHead(302, { location }).end())),
  );
  const told = 'https://…@login.example/cb?…';
  const { step } = await examine([`http://127.0.0.1:${port}/`]);
  expect(step('request')).toMatchObject({ answer: { status: 302, location: told } });
  const { code, stdout } = await startDoctor([`http://127.0.0.1:${port}/`]).ended;
  expect(code).toBe(0);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`302 Found, to ${told} (not followed)`);
});

test('an answer that goes on coming beyond its time is no fault, one that stops is', async () => {
  const port = await peer(
    listening(
      createHttpServer(({ url }, response) => {
        const parts = url === '/stops' ? 3 : Infinity;
        let sent = 0;
        const drip = setInterval(() => {
          response.write('x');
          if (++sent >= parts) clearInterval(drip);
        }, 200);
        response.once('close', () => clearInterval(drip));
      }),
    ),
  );
  const url = `http://127.0.0.1:${port}`;
  const steady = await startDoctor([`${url}/`, '--timeout', '1s']).ended;
  expect(steady).toMatchObject({ code: 0, stderr: '' });
  expect(steady.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /first byte after .*, \d B so far and still arriving/,
  );
  expect(steady.stdout).toContain('Nothing stops it from here');

  const stopped = await examine([`${url}/stops`, '--timeout', '1s']);
  expect(stopped).toMatchObject({ code: 1, said: { stoppedAt: 'request' } });
  expect(stopped.step('request')!.failure).toMatchObject({
    isTimeout: true,
    message: 'no more of the answer within 1 s',
  });
  expect(stopped.step('request')!.answer).toMatchObject({ bodyBytes: 3 });
  expect(stopped.verdict).toMatchObject({ phase: 'receive', cause: 'G5' });
});
