/**
 * A command of Redis as its span may carry it: keys, positions and options, and no values; members of sets count as such, and so
 * does all that a script is given or made of. Pure.
 */

/** Whose arguments are none. */
const whole = words(`
  BITCOUNT BITOP BITPOS BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN COPY DEL DUMP EXISTS EXPIRE EXPIREAT
  EXPIRETIME GET GETBIT GETDEL GETRANGE HDEL HEXISTS HGET HGETALL HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS INFO KEYS
  LINDEX LLEN LMOVE LMPOP LPOP LRANGE LTRIM MGET OBJECT PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PFCOUNT PFMERGE PSUBSCRIBE PTTL
  PUNSUBSCRIBE RENAME RENAMENX RPOP RPOPLPUSH SCAN SCARD SDIFF SDIFFSTORE SELECT SINTER SINTERCARD SINTERSTORE SMEMBERS SPOP
  SRANDMEMBER SSCAN SSUBSCRIBE STRLEN SUBSCRIBE SUBSTR SUNION SUNIONSTORE SUNSUBSCRIBE TOUCH TTL TYPE UNLINK UNSUBSCRIBE WAIT
  WAITAOF WATCH XACK XAUTOCLAIM XCLAIM XDEL XGROUP XINFO XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZCARD ZCOUNT
  ZDIFF ZDIFFSTORE ZINTER ZINTERCARD ZINTERSTORE ZMPOP ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGEBYSCORE ZREMRANGEBYRANK
  ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYSCORE ZSCAN ZUNION ZUNIONSTORE
`);
/** With a key and a field, a place or another key. */
const two = words('HINCRBY HINCRBYFLOAT HMSET HSET HSETNX LINSERT LSET SMOVE');
/** With a key, a channel, or the name of what they do. */
const one = words(`
  ACL APPEND BITFIELD BITFIELD_RO CLIENT CLUSTER COMMAND CONFIG DECR DECRBY FUNCTION GEOADD GEODIST GEOHASH GEOPOS GEORADIUS
  GEORADIUSBYMEMBER GEOSEARCH GEOSEARCHSTORE GETEX GETSET INCR INCRBY INCRBYFLOAT LPOS LPUSH LPUSHX LREM MEMORY MSET MSETNX PFADD
  PSETEX PUBLISH PUBSUB RESTORE RPUSH RPUSHX SADD SCRIPT SET SETBIT SETEX SETNX SETRANGE SISMEMBER SMISMEMBER SORT SORT_RO
  SPUBLISH SREM XADD ZADD ZINCRBY ZLEXCOUNT ZMSCORE ZRANGE ZRANGEBYLEX ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREVRANGEBYLEX
  ZREVRANK ZSCORE
`);
const script = /^(?:EVAL|EVALSHA|FCALL)(?:_RO)?$/;

/** Of a command that is not known, its name alone. */
export function redisStatement(name: string, args: readonly unknown[]): string {
  const command = String(name).toUpperCase();
  const told = script.test(command) ? toldOfScript(command, args) : args.slice(0, toldCount(command));
  const left = args.length - told.length;
  return [name, ...told.map(String), ...(left > 0 ? [`[${left} other arguments]`] : [])].join(' ');
}

function toldCount(command: string): number {
  if (whole.has(command)) return Infinity;
  return one.has(command) ? 1 : two.has(command) ? 2 : 0;
}

/** Its hash or name, and its keys; not its text. */
function toldOfScript(command: string, args: readonly unknown[]): unknown[] {
  const [called, keys] = args;
  const count = Number(keys);
  const told = args.slice(1, 2 + (Number.isInteger(count) && count > 0 ? count : 0));
  return args.length === 0
    ? []
    : [command.startsWith('EVAL') && !command.startsWith('EVALSHA') ? '?' : called, ...told];
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
