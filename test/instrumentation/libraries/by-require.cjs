/** A CommonJS program. */
const { besideHook, use } = require('./use.cjs');

use((name) => {
  const library = require(besideHook(name));
  return { ...library, default: library.default ?? library };
});
