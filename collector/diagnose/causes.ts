/**
 * Every cause a verdict can name, by its code. The rules choose among them, the help pages print them, and the next
 * checks of a verdict come from them.
 */
import { APPLICATION } from './causes/application.ts';
import type { Cause } from './causes/cause.ts';
import { CLIENT } from './causes/client.ts';
import { DNS } from './causes/dns.ts';
import { FIREWALL } from './causes/firewall.ts';
import { GATEWAY } from './causes/gateway.ts';
import { NETWORK } from './causes/network.ts';
import { SERVER } from './causes/server.ts';

export type { Cause };

export const UNKNOWN_CAUSE: Cause = {
  code: 'unknown',
  category: 'unknown',
  title: 'Cause unknown',
  prior: 0,
  is: 'What was recorded does not tell why the call was given up. The verdict says what is missing.',
  recognised:
    'No phases were recorded, the callee is not instrumented, its spans have not arrived, were sampled out or dropped, or a process died before it could send them.',
  decides: 'the phases of the call and the span of its callee',
  confirm: [
    {
      text: 'where a call to it stops: name, connect, TLS, request, one phase at a time',
      command: 'curl -sv -m 30 -o /dev/null {url}',
      peer: 'http',
    },
    { text: 'whether a connection to it comes about', command: 'nc -vz -w 5 {host} {port}' },
  ],
  fix: 'Load the hook in the caller, which records phases; instrument the callee; record failed calls even when they are not sampled.',
};

export const CAUSES: ReadonlyMap<string, Cause> = new Map(
  [...NETWORK, ...FIREWALL, ...SERVER, ...DNS, ...GATEWAY, ...CLIENT, ...APPLICATION, UNKNOWN_CAUSE].map(
    (cause) => [cause.code, cause],
  ),
);

export function causeOf(code: string): Cause {
  return CAUSES.get(code) ?? UNKNOWN_CAUSE;
}
