/** What the hosts of instrumented services have reported in the last minutes: `/api/hosts`. */
import type { HostHistory } from '../../receive/host-counters.ts';
import { json, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Hosts } from '../wire.ts';

export function hostRoutes(sources: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/hosts',
      summary: 'Counters of the hosts that report, over the last minutes, and of the processes on them',
      gives: { 'application/json': named('Hosts') },
      handle: () => json(describeHosts(sources.intake.hosts())),
    },
  ];
}

export function describeHosts(hosts: readonly HostHistory[]): Hosts {
  return {
    hosts: hosts.map(({ host, namespace, addresses, reports, processes }) => ({
      host,
      networkNamespace: namespace,
      addresses: [...addresses],
      reports: reports.map(({ atMs, counters }) => ({
        at: timeOf(atMs),
        counters: Object.fromEntries(counters),
      })),
      processes: processes.map(({ service, pid, instance, thread, atMs, values }) => ({
        service,
        pid,
        instance,
        thread,
        at: timeOf(atMs),
        values: Object.fromEntries(values),
      })),
    })),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
