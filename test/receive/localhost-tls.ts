/** The certificate of `localhost` that the tests' servers show, and its key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from '../../collector/config.ts';

const read = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, `../main/localhost.${name}.pem`));

export const LOCALHOST_TLS: TlsFiles = { cert: read('cert'), key: read('key'), clientCa: null };
