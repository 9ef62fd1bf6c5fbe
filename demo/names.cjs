/**
 * Sends every look-up of a `.test` name to the shop's own name server, as /etc/resolv.conf would on its hosts.
 * Loaded with --require before the services, which then connect to names like anybody else.
 */
'use strict';
const dns = require('node:dns');

const resolver = new dns.Resolver();
resolver.setServers([process.env.SHOP_DNS]);
const systemLookup = dns.lookup;

dns.lookup = function lookup(hostname, options, callback) {
  if (!hostname?.endsWith('.test')) return systemLookup.apply(this, arguments);
  const done = callback ?? options;
  const all = typeof options === 'object' && options?.all;
  resolver.resolve4(hostname, (error, addresses) => {
    if (error) done(error);
    else if (all)
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    else done(null, addresses[0], 4);
  });
};
