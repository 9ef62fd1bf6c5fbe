/** Calls the URL of its first argument from the main thread and from another, and stays. */
const http = require('node:http');
const { isMainThread, Worker } = require('node:worker_threads');

const [url] = process.argv.slice(2);

http.get(url, (response) => response.resume());
setInterval(() => {}, 1000);
if (isMainThread) new Worker(__filename, { argv: [url] });
