/** Calls the URL of its first argument at once and, told to by SIGUSR2, again, on a new connection, for two seconds at most. */
const http = require('node:http');

const [url] = process.argv.slice(2);

http.get(url, (response) => response.resume().once('end', () => console.log('answered')));
process.on('SIGUSR2', () => {
  const call = http.get(url, { agent: false, timeout: 2000 }, (response) => response.resume());
  call.once('timeout', () => call.destroy());
  call.once('error', () => console.log('given up'));
});
setInterval(() => {}, 1000);
