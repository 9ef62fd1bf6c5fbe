/** To be loaded before a program: its network interfaces cannot be read, as where a sandbox allows no netlink socket. */
const os = require('node:os');

os.networkInterfaces = () => {
  throw Object.assign(
    new Error('A system error occurred: uv_interface_addresses returned Unknown system error 97'),
    {
      code: 'ERR_SYSTEM_ERROR',
    },
  );
};
