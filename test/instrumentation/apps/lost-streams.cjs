/**
 * Makes HTTP/2 calls, one after the other, to a server of its own, each on a session of its own, that end before their answer:
 * by the server, or by the program; and some whose answer ends late. Prints how each ended, as one line of JSON. Stays until it is killed.
 */
const http2 = require('node:http2');
const net = require('node:net');

const byServer = {
  '/cancelled': (stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
  '/closed': (stream) => stream.close(http2.constants.NGHTTP2_NO_ERROR),
  '/goaway': (stream) => stream.session.goaway(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/reset': (_stream, socket) => socket.resetAndDestroy(),
  '/end': (_stream, socket) => socket.destroy(),
  '/half-reset': (_stream, socket) => socket.resetAndDestroy(),
  '/half-end': (_stream, socket) => socket.destroy(),
};
const byProgram = {
  '/close': (stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
  '/destroy': (stream) => stream.destroy(),
  '/session': (stream) => stream.session.destroy(),
  '/session-code': (stream) => stream.session.destroy(http2.constants.NGHTTP2_INTERNAL_ERROR),
};
/** The program leaves an answer half read. */
const leaving = {
  '/half-iterated': async (stream) => {
    for await (const _chunk of stream) break;
  },
  '/half-closed': (stream) => stream.on('data', () => stream.close(http2.constants.NGHTTP2_CANCEL)),
};
/** When an answer is there that the program does not read. */
const unread = {
  '/unread-destroy': (stream) => stream.destroy(),
  '/unread-session': (stream) => stream.session.destroy(),
  '/unread-session-code': (stream) => stream.session.destroy(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/unread-reset': () => socket.resetAndDestroy(),
  '/unread-goaway': () => serverSession.goaway(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/unread-late': (stream) => setTimeout(() => stream.destroy(), 50),
};
/** What comes after the headers of an answer that the program reads to its end, and is not data. */
const late = {
  '/late-end': (stream) => {
    stream.respond();
    setTimeout(() => stream.end(), lateMs);
  },
  '/late-trailers': (stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => setTimeout(() => stream.sendTrailers({ end: 'now' }), lateMs));
    stream.end();
  },
};
late['/late-iterated'] = late['/late-end'];
const lateMs = 200;
const readAll = async (stream) => {
  for await (const _chunk of stream);
};
const byTimer = {
  '/listener-late': (stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
  '/session-late': (stream) => stream.session.destroy(http2.constants.NGHTTP2_INTERNAL_ERROR),
};

let socket, serverSession;
const server = http2.createServer().on('connection', (opened) => (socket = opened));
server.on('session', (opened) => (serverSession = opened)).on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (unread[path]) {
    stream.respond();
    stream.end('the whole answer');
  }
  late[path]?.(stream);
  if (path.startsWith('/half')) {
    stream.respond();
    stream.write('half');
  }
  // What was written is there before the end.
  if (byServer[path]) setTimeout(() => byServer[path](stream, socket), 50);
});

const call = (port, path) =>
  new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`).on('error', () => {});
    const stream = session.request({ ':path': path });
    if (unread[path]) {
      // Whatever was sent before a ping is answered is there.
      stream.on('response', () => session.ping((_error) => unread[path](stream)));
    } else if (path === '/late-iterated') void readAll(stream);
    else if (leaving[path]) void leaving[path](stream);
    else stream.resume();
    const notes = [];
    stream.on('aborted', () => notes.push('aborted')).on('error', ({ code }) => notes.push(code));
    stream.on('close', () => {
      resolve([...notes, stream.rstCode]);
      session.destroy();
    });
    // Not in the callback of a timer, which would be what gave it up.
    if (byProgram[path]) stream.on('ready', () => session.ping((_error) => byProgram[path](stream)));
    if (path === '/unsent') session.destroy(http2.constants.NGHTTP2_INTERNAL_ERROR);
    if (path === '/listener-late')
      AbortSignal.timeout(200).addEventListener('abort', () => byTimer[path](stream));
    else if (byTimer[path]) setTimeout(() => byTimer[path](stream), 200);
  });

const other = net.createServer((client) =>
  client.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
);
other.listen(0, '127.0.0.1', () => server.listen(0, '127.0.0.1', callAll));

async function callAll() {
  const outcomes = {};
  const paths = { '/unsent': 0, ...byServer, ...byProgram, ...leaving, ...unread, ...late, ...byTimer };
  for (const path of Object.keys(paths)) outcomes[path] = await call(server.address().port, path);
  outcomes['/other-protocol'] = await call(other.address().port, '/other-protocol');
  console.log(JSON.stringify(outcomes));
}
setInterval(() => {}, 1000);
