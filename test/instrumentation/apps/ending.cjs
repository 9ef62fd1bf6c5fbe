/** Calls the URL of its first argument, ends in the way its second argument names, and says so if it comes to that. */
const http = require('node:http');

const [url, way] = process.argv.slice(2);

const ways = {
  return() {},
  /** When the hook has begun to connect. */
  'return-late': () => void setTimeout(() => {}, 200),
  exit: () => process.exit(5),
  throw() {
    throw new Error('a fault of the program');
  },
  reject: () => Promise.reject(new Error('a rejection nobody handles')),
  'reject-fetch': () => void fetch('http://127.0.0.1:1/never'),
  /** Says so when the loop has turned: what the hook does about signals, it does when a program rests. */
  stay() {
    setInterval(() => {}, 1000);
    setTimeout(() => console.log('resting'), 50);
  },
  serve: () => void require('node:net').createServer().listen(0),
  /** Rests, is busy for a while, and goes on with another call. */
  busy() {
    setInterval(() => {}, 1000);
    setTimeout(() => {
      console.log('busy');
      for (const end = performance.now() + 500; performance.now() < end;);
      http.get(`${url}-next`).on('error', () => {});
    }, 50);
  },
  'own-handler'() {
    const timer = setInterval(() => {}, 1000);
    process.on('SIGTERM', () => {
      console.log('the program heard SIGTERM');
      process.exitCode = 7;
      clearInterval(timer);
    });
  },
};

http.get(url, (response) => {
  response.resume();
  response.once('end', () => {
    ways[way]();
    console.log('called');
  });
});
