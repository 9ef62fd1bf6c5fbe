/** Sends and gets `s3cr3t` in every place that calls and requests have for secrets, and fails a call or two while at it. */
const http = require('node:http');

const [port, closedPort] = process.argv.slice(2);
const auth = `user:s3cr3t-password`;
const headers = {
  authorization: 'Bearer s3cr3t-bearer',
  cookie: 'session=s3cr3t-cookie',
  'x-api-key': 's3cr3t-key',
  'proxy-authorization': 'Basic s3cr3t-proxy',
};
const query = ['token', 'access_token', 'password', 'api_key', 'X-Amz-Signature', 'sig', 'code', 'jwt']
  .map((name) => `${name}=s3cr3t-${name}`)
  .join('&');

const viaHttp = (options) =>
  new Promise((resolve) => {
    const request = http.request(
      { host: '127.0.0.1', port, method: 'POST', headers, auth, ...options },
      (response) => response.resume().once('end', resolve),
    );
    request.once('error', resolve);
    request.end('s3cr3t-body');
  });

async function main() {
  const server = http.createServer((request, response) => {
    response.setHeader('set-cookie', 'session=s3cr3t-set-cookie');
    request.resume().once('end', () => response.end('s3cr3t-answer'));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = server.address().port;

  await viaHttp({ port: own, path: `/in-and-out?page=2&${query}#s3cr3t-fragment` });
  await fetch(`http://127.0.0.1:${own}/by-fetch?${query}`, {
    method: 'POST',
    headers,
    body: 's3cr3t-body',
  }).then((answer) => answer.text());
  await viaHttp({ path: `http://user:s3cr3t-userinfo@there.test/through-a-proxy?${query}` });
  await viaHttp({ port: closedPort, path: `/refused?${query}` });
  await fetch(`http://127.0.0.1:${closedPort}/fetch-refused?${query}`, { headers }).catch(() => {});
  server.close();
  server.closeAllConnections();
  console.log('called');
}

main();
