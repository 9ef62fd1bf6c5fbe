/** A TypeScript program, run as it is. */
import { get, type IncomingMessage } from 'node:http';

const url: string = process.argv[2] as string;
get(url, (response: IncomingMessage) => {
  response.resume().once('end', () => console.log('called' satisfies string));
});
