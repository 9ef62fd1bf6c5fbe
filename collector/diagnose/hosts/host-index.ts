/** Finds, among many hosts, the few that a question may be about: many questions are asked of the same hosts. Pure. */
import type { HostQuestion } from './host-question.ts';
import type { ReportingHost } from './host-view.ts';

/** What a host is found by before it is looked at. */
export type HostNames = Pick<ReportingHost, 'host' | 'addresses'> & {
  readonly services: ReadonlySet<string>;
};

/** Whether any of the questions may be about a host. */
export function wantedBy(questions: readonly HostQuestion[]): (host: HostNames) => boolean {
  const hosts = new Set<string>();
  const services = new Set<string>();
  for (const { caller, callee } of questions) {
    hosts.add(caller.host);
    services.add(callee.service);
    if (callee.process !== null) hosts.add(callee.process.host);
    for (const address of callee.addresses) hosts.add(address);
  }
  return (host) =>
    hosts.has(host.host) ||
    host.addresses.some((address) => hosts.has(address)) ||
    [...host.services].some((service) => services.has(service));
}

/**
 * Finds the hosts of both ends of a question. Of those that are alike in one way, `alikeMax` are found: where so many could be
 * meant, none of them is.
 */
export function indexHosts(
  hosts: readonly ReportingHost[],
  alikeMax: number,
): (question: HostQuestion) => readonly ReportingHost[] {
  const byKey = new Map<string, Set<ReportingHost>>();
  const put = (host: ReportingHost, ...key: readonly string[]) => {
    const text = JSON.stringify(key);
    const alike = byKey.get(text);
    if (alike === undefined) byKey.set(text, new Set([host]));
    else if (alike.size < alikeMax) alike.add(host);
  };
  for (const host of hosts) {
    put(host, 'name', host.host);
    for (const address of host.addresses) put(host, 'address', address);
    for (const { service, pid } of host.processes) {
      put(host, 'service', service);
      put(host, 'process', host.host, service, pid);
    }
  }
  const alike = (...key: readonly string[]) => byKey.get(JSON.stringify(key)) ?? [];
  return ({ caller, callee }) => [
    ...new Set([
      ...[caller, callee.process].flatMap((process) =>
        process === null ? [] : [...alike('process', process.host, process.service, process.pid)],
      ),
      ...alike('service', callee.service),
      ...callee.addresses.flatMap((address) => [...alike('address', address), ...alike('name', address)]),
    ]),
  ];
}
