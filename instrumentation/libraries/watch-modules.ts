/**
 * Tells of every CommonJS module that was loaded, whether by `require` or by `import`: `Module.prototype.load` is on the
 * way of both. It costs nothing measurable; a hook of `module.registerHooks` costs 7 µs for each module.
 */
import Module from 'node:module';
import { guard } from '../guard.ts';

interface LoadedModule {
  exports: unknown;
}
type Listener = (module: LoadedModule, filename: string) => void;

const listeners: Listener[] = [];

/** `loaded` may replace the module's exports before anybody has seen them. */
export function watchModules(loaded: Listener): void {
  if (listeners.push(guard(loaded)) > 1) return;
  const { prototype } = Module as unknown as {
    prototype: { load(this: LoadedModule, filename: string): void };
  };
  const original = prototype.load;
  prototype.load = function load(filename) {
    Reflect.apply(original, this, arguments);
    for (const listener of listeners) listener(this, filename);
  };
}

export interface PackageFile {
  packageName: string;
  /** The package's folder. */
  folder: string;
}

/** The package that a file belongs to by its path; undefined when it is the program's own. */
export function packageOf(filename: string, separator: string): PackageFile | undefined {
  const marker = `${separator}node_modules${separator}`;
  const start = filename.lastIndexOf(marker);
  if (start === -1) return undefined;
  const [first = '', second = ''] = filename.slice(start + marker.length).split(separator, 2);
  const packageName = first.startsWith('@') ? `${first}/${second}` : first;
  const folder = filename.slice(0, start + marker.length + packageName.length);
  return { packageName, folder };
}
