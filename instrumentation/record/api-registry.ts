/**
 * Registers with the OpenTelemetry API, without loading it: every copy of the package looks for the same symbol.
 *
 * A copy reads what is registered when the version there is its own or a later one of the same major, and registers
 * something itself when it is its own.
 */
import type { ContextManager, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const registryKey = Symbol.for('opentelemetry.js.api.1');

interface Registered {
  trace: TracerProvider;
  context: ContextManager;
  propagation: TextMapPropagator;
}

export function registerApi(registered: Registered): void {
  const holder = globalThis as Record<symbol, unknown>;
  // Somebody was here before: the program's own tracing stays what it is.
  if (holder[registryKey] !== undefined) return;
  Object.defineProperty(holder, registryKey, {
    configurable: true,
    enumerable: true,
    // Which version is used is looked for when somebody asks: most programs never do.
    get() {
      const registry = Object.defineProperty({ ...registered }, 'version', {
        value: apiVersion(),
        enumerable: true,
      });
      Object.defineProperty(holder, registryKey, {
        value: registry,
        configurable: true,
        enumerable: true,
        writable: true,
      });
      return registry;
    },
    set(value: unknown) {
      Object.defineProperty(holder, registryKey, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    },
  });
}

/** The later one of the program's version and the hook's own: both must be able to read. */
function apiVersion(): string {
  const program = process.argv[1] ?? join(process.cwd(), 'main.js');
  const [own, theirs] = [versionFrom(import.meta.filename), versionFrom(program)];
  if (theirs === undefined || own === undefined) return theirs ?? own ?? '1.9.0';
  return minorOf(theirs) > minorOf(own) ? theirs : own;
}

/** The version of the package that a file would get. */
function versionFrom(file: string): string | undefined {
  try {
    const require = createRequire(file);
    // The main file stands two or three folders deep; its package.json is not exported.
    const [, folder = ''] =
      /^(.*[\\/]@opentelemetry[\\/]api[\\/])/.exec(require.resolve('@opentelemetry/api')) ?? [];
    const { version } = require(join(folder, 'package.json')) as { version: string };
    return /^1\.\d+\.\d+$/.test(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}
