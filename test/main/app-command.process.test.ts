/** The line that the collector prints for an app is run as it was printed, by a shell, and its spans arrive. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shellPath } from '../../collector/shell-node.ts';
import type { Status } from '../../collector/serve/wire.ts';
import { withCollector, withFolder } from './collector.ts';

const certFile = join(import.meta.dirname, 'localhost.cert.pem');
const keyFile = join(import.meta.dirname, 'localhost.key.pem');
const TLS_FLAGS = ['--tls-cert', certFile, '--tls-key', keyFile];
const TOKEN = 'secret+token/of=a-test';
/** Refused at once, which is a span. */
const APP = `require('node:http').get('http://127.0.0.1:1/').on('error', () => {});`;

function statusOf(web: string): Promise<Status> {
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)];
  const options = { ca: cert, cert, key, headers: { authorization: `Bearer ${TOKEN}` } };
  if (!web.startsWith('https:'))
    return fetch(`${web}/api/status`, options).then((answer) => answer.json() as Promise<Status>);
  return new Promise((resolve, reject) => {
    request(`${web}/api/status`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(JSON.parse(text) as Status));
    })
      .on('error', reject)
      .end();
  });
}

test.each([
  ['as it is', []],
  ['with a token', ['--token', TOKEN]],
  ['with TLS', TLS_FLAGS],
  ['with both', [...TLS_FLAGS, '--token', TOKEN]],
  ['with TLS that asks for a client’s certificate', [...TLS_FLAGS, '--tls-client-ca', certFile]],
])('a service that is started by the printed line is seen: %s', (_, flags) =>
  withCollector(flags, ({ stdout, web }) =>
    withFolder(async (folder) => {
      const line = /^your app {3}(.+)$/m.exec(stdout)?.[1] ?? 'no line';
      expect(stdout).not.toContain(TOKEN);
      await writeFile(join(folder, 'app.js'), APP);
      const app = spawn('sh', ['-c', line], {
        cwd: folder,
        env: {
          // As a shell beside npm has it, whatever Node is found there.
          PATH: shellPath(process.env['PATH'] ?? ''),
          SOCKEYE_TOKEN: TOKEN,
          CLIENT_CERT: certFile,
          CLIENT_KEY: keyFile,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      app.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const [code] = (await once(app, 'close')) as [number];
      expect([code, stderr]).toEqual([0, '']);
      const status = await statusOf(web);
      expect(status.spans).toMatchObject({ stored: 1, refused: 0 });
      expect(status.appCommand).toBe(line);
    }),
  ),
);
