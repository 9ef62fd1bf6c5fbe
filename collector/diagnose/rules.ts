/** The rules in the order they are asked; the first that knows the case answers. */
import { operationOf } from '../span.ts';
import type { Case, Finding, Rule } from './case.ts';
import { spanFact } from './evidence.ts';
import { ownWork, repeatedCalls, statementTimer } from './rules/application.ts';
import { blockedClient, waitingForPool } from './rules/client.ts';
import { ownLimits, refusedConnection, silentConnect, unreachableHost } from './rules/connect.ts';
import { slowLookup, unresolvedName } from './rules/dns.ts';
import { silentPeer, stalledAnswer, stalledTls, unsentRequest } from './rules/established.ts';
import { frontOfGateway, gatewayAnswer } from './rules/gateway.ts';
import { askHosts } from './rules/hosts.ts';
import { brokenConnection } from './rules/reset.ts';
import { budgetInversion } from './rules/whole-trace.ts';

const RULES: readonly Rule[] = [
  budgetInversion,
  repeatedCalls,
  blockedClient,
  ownLimits,
  unresolvedName,
  refusedConnection,
  unreachableHost,
  brokenConnection,
  statementTimer,
  gatewayAnswer,
  frontOfGateway,
  waitingForPool,
  slowLookup,
  silentConnect,
  stalledTls,
  unsentRequest,
  silentPeer,
  stalledAnswer,
  ownWork,
];

export function askRules(of: Case): Finding {
  for (const rule of RULES) {
    const finding = rule(of);
    if (finding !== null) return askHosts(finding, of);
  }
  const { node } = of.origin;
  return {
    confidence: 'unknown',
    suspects: [],
    reason: 'nothing that was recorded of this call tells more',
    evidence: [spanFact(node, `"${operationOf(node.span)}" of ${node.service}`)],
  };
}
