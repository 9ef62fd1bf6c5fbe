/** A CommonJS program. */
require('./use.cjs').use((name) => {
  const library = require(name);
  return { ...library, default: library.default ?? library };
});
