/**
 * The yardstick: a grpc-js server that takes the same requests and throws them away. Run as a process of its own;
 * prints its address.
 */
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';

const asIs = (bytes: Buffer): Buffer => bytes;
const NOTHING = Buffer.alloc(0);
const REQUEST_BYTES_MAX = 64 * 2 ** 20;

const definition: ServiceDefinition = {
  export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};
const discard = (_call: unknown, answer: (error: null, bytes: Buffer) => void): void => answer(null, NOTHING);

const server = new Server({ 'grpc.max_receive_message_length': REQUEST_BYTES_MAX });
server.addService(definition, { export: discard as UntypedHandleCall });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`127.0.0.1:${port}`);
});
process.on('SIGTERM', () => process.exit(0));
