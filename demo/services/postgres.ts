/** A real PostgreSQL (PGlite) behind its wire protocol, holding the shop's products in memory. */
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

const db = await PGlite.create();
await db.exec(`
  create table products (id int primary key, name text not null, price_cents int not null, stock int not null);
  insert into products
    select id, 'Product ' || id, 100 + (id * 7919) % 20000, 1000000 from generate_series(1, 200) as id;
`);

const server = new PGLiteSocketServer({
  db,
  host: '127.0.0.1',
  port: Number(process.env.PORT),
  maxConnections: 20,
});
await server.start();
console.log(`listening on port ${server.getServerConn().split(':').at(-1)}`);
