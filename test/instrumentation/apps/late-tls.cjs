/** Connects to a PostgreSQL server that wants TLS, by a driver that loads `tls` when the server has agreed to it; stays until it is killed. */
const { Client } = require('pg');

const isLoaded = () => process.moduleLoadList.includes('NativeModule tls');
const client = new Client({
  host: 'localhost',
  port: Number(process.argv[2]),
  user: 'user',
  password: 'secret',
  ssl: { rejectUnauthorized: false },
});
console.log(`loaded ${isLoaded()}`);
client.connect().catch((error) => console.log(`failed ${error.message}`));
setInterval(() => {}, 1000);
