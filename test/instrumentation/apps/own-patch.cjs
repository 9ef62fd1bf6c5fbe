/** A program that replaces `http.request` and `http.get` itself, as some libraries do, and counts what goes through them. */
const http = require('node:http');

let count = 0;
for (const name of ['request', 'get']) {
  const original = http[name];
  http[name] = function patched(...args) {
    count += 1;
    const request = original.apply(this, args);
    request.once('response', () => console.log('seen', name));
    return request;
  };
}
http.get(process.argv[2], (response) => {
  response.resume().once('end', () => {
    console.log('called', count, http.get.name);
    http
      .request(process.argv[2])
      .end()
      .once('response', (again) => again.resume());
  });
});
