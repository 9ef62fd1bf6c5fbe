/**
 * The file that `--require`, `--import` and the first line of a program load: starts the hook once, or says why not.
 *
 * Written in the JavaScript of very old Node, because any Node must be able to load it: below the floor it warns once and
 * does nothing. The floor is Node 22.18 (and 24.3 of the next line): 22.11 lacks `http.client.request.created`, 22.14
 * `module.registerHooks`, and 22.17 the last of the http2 stream channels.
 */
'use strict';

(function start() {
  var loaded =
    typeof Symbol === 'function' ? Symbol.for('sockeye.instrumentation') : '__sockeye_instrumentation__';
  if (global[loaded]) return;
  Object.defineProperty(global, loaded, { value: true });

  var version = process.versions.node.split('.').map(Number);
  var major = version[0];
  var minor = version[1];
  var supported = (major === 22 && minor >= 18) || (major === 24 && minor >= 3) || major > 24;
  if (!supported) {
    process.stderr.write(
      'sockeye: Node ' +
        process.versions.node +
        ' is not supported, nothing is recorded. Expected Node 22.18 or 24.3, or newer.\n',
    );
    return;
  }
  try {
    require('./dist/start.cjs').startHook();
  } catch (error) {
    var why = String((error && error.message) || error).split('\n')[0];
    if (error && error.code === 'MODULE_NOT_FOUND')
      why = 'a file is missing; in a clone, build it with: npm run build. ' + why;
    process.stderr.write('sockeye: the hook could not start, nothing is recorded: ' + why + '\n');
  }
})();
