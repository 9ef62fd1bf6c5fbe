/** The whole life of the hook on one screen: read the surroundings, start the recorder, watch, and flush at the end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchAborts } from './abort-reasons.ts';
import { watchConnections } from './connections.ts';
import { startRecorder } from './choose-recorder.ts';
import { trackExportSocket } from './exit.ts';
import { limitConnecting } from './export/connect-limit.ts';
import { grpcOpening, grpcSecuring, watchGrpc } from './grpc.ts';
import { guard } from './guard.ts';
import { watchListeners } from './host/listeners.ts';
import { watchHttpClient } from './http-client.ts';
import { leftVisits, watchHttpServer } from './http-server.ts';
import { watchHttp2Client } from './http2-client.ts';
import { watchHttp2Server } from './http2-server.ts';
import { noteOpener } from './libraries/peers.ts';
import { watchLibraries } from './libraries/watch-libraries.ts';
import { recordOpening } from './opening.ts';
import { fallbackServiceName, isQuietProcess } from './settings.ts';
import { lookForSidecar } from './sidecar.ts';
import { watchLookups } from './strain/lookups.ts';
import { undiciOpening, watchUndici } from './undici.ts';
import { watchUpgrades } from './upgrades.ts';

export function startHook(): void {
  const script = process.argv[1];
  if (isQuietProcess(process.env, script)) return;
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string;
  };
  const recorder = startRecorder({
    version,
    serviceName: fallbackServiceName(process.env, script, process.cwd()),
    environment: process.env,
    left: leftVisits,
  });

  watchAborts();
  watchLookups();
  watchConnections({
    exporting(socket) {
      trackExportSocket(socket);
      limitConnecting(socket);
    },
    starting(connection) {
      lookForSidecar();
      if (!undiciOpening(connection) && !grpcOpening(connection)) noteOpener(connection);
    },
    securing: grpcSecuring,
    openedUnclaimed: guard((connection) => recordOpening(recorder, connection)),
  });
  watchListeners();
  watchHttpServer(recorder);
  watchUpgrades(recorder);
  watchHttpClient(recorder);
  watchUndici(recorder);
  watchHttp2Server(recorder);
  watchHttp2Client(recorder);
  watchGrpc(recorder, process.env);
  watchLibraries(process.env);
}
