/**
 * Calls the URL of its first argument, reads what comes, and, where a second is given, ends so when it is told to by SIGUSR2. With
 * `busy` it is busy for a while when it has called.
 */
const http = require('node:http');

const [url, way] = process.argv.slice(2);

const ways = {
  exit: () => process.exit(3),
  throw() {
    throw new Error('a fault of the program');
  },
};

http.get(url, (response) => {
  response.on('data', () => console.log('data'));
  response.once('end', () => console.log('answered'));
});
process.on('SIGUSR2', () => ways[way]());
// When all is done that was due by then, signals that came meanwhile included.
setTimeout(() => setImmediate(() => console.log('resting')), 200);
if (way === 'busy') for (const end = performance.now() + 300; performance.now() < end;);
