/** The example of the documentation for Kubernetes: the environment it gives the collector and the service is one they understand. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../collector/config.ts';
import { appFile, registerFile, runApp } from './run-app.ts';
import { usePeers } from './use-peers.ts';

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: { fieldPath: string }; secretKeyRef?: { name: string; key: string } };
}
interface Manifest {
  kind: string;
  metadata: { name: string; namespace: string };
  spec: {
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: { env: Variable[] }[] };
    };
    selector: Record<string, string>;
    ports: { name: string; port: number }[];
  };
}

const file = join(dirname(registerFile), '../docs/examples/kubernetes.yaml');
const manifests = parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS() as Manifest);
const find = (kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name)!;

/** The environment of a deployment's container, as Kubernetes would make it of these fields and this secret. */
function environmentOf({ metadata, spec }: Manifest): Record<string, string> {
  const { labels } = spec.template.metadata;
  const fields: Record<string, string | undefined> = {
    'metadata.name': `${metadata.name}-7d9f-x2x`,
    'metadata.uid': '0b5c',
    'metadata.namespace': metadata.namespace,
    'spec.nodeName': 'node-3',
    ...Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [`metadata.labels['${name}']`, value]),
    ),
  };
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of spec.template.spec.containers[0]!.env) {
    const given =
      value ?? (valueFrom?.secretKeyRef ? 'the-token' : fields[valueFrom?.fieldRef?.fieldPath ?? '']);
    if (given === undefined) throw new Error(`${name} has no value`);
    environment[name] = given.replaceAll(/\$\(([A-Z_]+)\)/g, (_all, other: string) => environment[other]!);
  }
  return environment;
}

const peers = usePeers();

it('the collector takes its settings, and serves the names that the service sends to', () => {
  const config = readConfig([], environmentOf(find('Deployment', 'sockeye')));
  expect(config).toMatchObject({ token: 'the-token', keepMs: 3 * 86_400_000, keepBytes: 8e9 });
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '' } = environmentOf(find('Deployment', 'checkout'));
  expect(config.hostNames).toContain(new URL(endpoint).hostname);
  const { spec } = find('Service', 'sockeye');
  expect(spec.ports.map(({ port }) => String(port))).toContain(new URL(endpoint).port);
  expect(spec.selector).toEqual(find('Deployment', 'sockeye').spec.template.metadata.labels);
});

it('the service says who it is and where it runs, and shows the token', async () => {
  const environment = environmentOf(find('Deployment', 'checkout'));
  const url = `http://127.0.0.1:${peers.server.port}/in-a-pod`;
  await runApp(appFile('ending.cjs'), {
    args: [url, 'return'],
    env: {
      ...environment,
      NODE_OPTIONS: environment['NODE_OPTIONS']!.replace('@sockeye/instrumentation/register', registerFile),
      OTEL_EXPORTER_OTLP_ENDPOINT: peers.receiver.url,
    },
  });
  const { resource } = await peers.receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
  expect(resource).toMatchObject({
    'service.name': 'checkout',
    'service.version': '1.4.2',
    'k8s.pod.name': 'checkout-7d9f-x2x',
    'k8s.pod.uid': '0b5c',
    'k8s.namespace.name': 'shop',
    'k8s.node.name': 'node-3',
  });
  expect(peers.receiver.metadata).toContainEqual(
    expect.objectContaining({ authorization: 'Bearer the-token' }),
  );
});
