/** Uses an AsyncLocalStorage, as the hook does. */
const { AsyncLocalStorage } = require('node:async_hooks');

new AsyncLocalStorage().enterWith({});
