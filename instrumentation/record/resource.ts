/** What the process says of itself with its spans: the service, the process, the host; nothing that asks the network. */
import { readFileSync } from 'node:fs';

type Environment = Record<string, string | undefined>;

const valueLengthMax = 255;
const architectures: Record<string, string> = { x64: 'amd64', arm: 'arm32', ppc: 'ppc32' };
const systems: Record<string, string> = { win32: 'windows', sunos: 'solaris' };

/** `serviceName`: the one to use when the environment gives none. */
export function resourceAttributes(
  environment: Environment,
  { serviceName, version }: { serviceName: string | undefined; version: string },
): Record<string, string | number> {
  const os = process.getBuiltinModule('node:os');
  const hostId = readHostId();
  const stated = { ...environmentAttributes(environment) };
  const named = environment['OTEL_SERVICE_NAME']?.trim() || stated['service.name'] || serviceName;
  return {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'sockeye',
    'telemetry.sdk.version': version,
    'telemetry.distro.name': '@sockeye/instrumentation',
    'telemetry.distro.version': version,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'service.instance.id': process.getBuiltinModule('node:crypto').randomUUID(),
    'host.name': os.hostname(),
    'host.arch': architectures[process.arch] ?? process.arch,
    ...(hostId === undefined ? {} : { 'host.id': hostId }),
    'os.type': systems[process.platform] ?? process.platform,
    'os.version': os.release(),
    ...stated,
    'service.name': named ?? 'unknown_service:node',
  };
}

/** OTEL_RESOURCE_ATTRIBUTES; as it demands, all of it is discarded when a part of it cannot be read. */
export function environmentAttributes(environment: Environment): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of (environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const parts = pair.split('=').map((part) => decode(part.trim()));
    const [key, value] = parts;
    if (parts.length !== 2 || !key || value === undefined || value.length > valueLengthMax) return {};
    attributes[key] = value;
  }
  return attributes;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** As systemd keeps it; other systems have it only in places that take a process to read. */
function readHostId(): string | undefined {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      return readFileSync(file, 'utf8').trim() || undefined;
    } catch {
      // Not there, or not for us.
    }
  }
  return undefined;
}
