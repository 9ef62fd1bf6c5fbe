/** Says which of these modules of Node are loaded when it starts. */
const loaded = process.moduleLoadList;

console.log(
  ['http', 'https', 'http2', 'tls', 'net'].filter((name) => loaded.includes(`NativeModule ${name}`)).join(),
);
