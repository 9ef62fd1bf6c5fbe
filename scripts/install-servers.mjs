/**
 * Installs Debian's packages of the servers that the hook's spans of libraries are tested against, where this user may.
 * Where not, says in one line what to install: the tests of a server that is not there are skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Package and the program that tells whether it is there. */
const SERVERS = {
  'mariadb-server-core': '/usr/sbin/mariadbd',
  'redis-server': '/usr/bin/redis-server',
  'rabbitmq-server': '/usr/sbin/rabbitmq-server',
  kcat: '/usr/bin/kcat',
};
/** Debian asks this file whether a package may start its service; the tests start their own. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

function apt(...args) {
  const { status } = spawnSync('apt-get', ['-qq', '-y', ...args], {
    stdio: ['ignore', 'ignore', 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

function install(packages) {
  console.error('Installing servers for the tests of the hook (once) …');
  const hadPolicy = existsSync(SERVICE_POLICY);
  if (!hadPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return apt('update') && apt('install', '--no-install-recommends', ...packages);
  } finally {
    if (!hadPolicy) rmSync(SERVICE_POLICY);
  }
}

const missing = Object.keys(SERVERS).filter((name) => !existsSync(SERVERS[name]));
const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
if (missing.length > 0 && !(mayInstall && install(missing))) {
  console.error(`Tests against these servers are skipped (Debian: apt-get install ${missing.join(' ')}).`);
}
