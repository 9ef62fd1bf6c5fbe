/**
 * Prints the path of a Chromium for the browser's tests. With --install, installs Debian's when there is none
 * and this user may; otherwise says in one line what to install.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The path in SOCKEYE_CHROMIUM, else the first Chromium on the path, else null. */
export function findChromium() {
  if (process.env.SOCKEYE_CHROMIUM) return process.env.SOCKEYE_CHROMIUM;
  for (const name of NAMES) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here; look in the next folder.
      }
    }
  }
  return null;
}

function installDebianChromium() {
  console.error('Installing Chromium for the tests of the page (once) …');
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-y', ...args], {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  return apt('update') && apt('install', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
}

function main() {
  const mayInstall = process.argv.includes('--install') && process.getuid?.() === 0;
  if (findChromium() === null && mayInstall) installDebianChromium();
  const path = findChromium();
  if (path === null) {
    console.error('The page is tested in Chromium and none was found: install it (Debian: apt-get install');
    console.error('chromium) or set SOCKEYE_CHROMIUM to its path.');
    process.exit(1);
  }
  if (!process.argv.includes('--install')) console.log(path);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main();
