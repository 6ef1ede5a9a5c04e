/**
 * The Lua scripts for presence. Every place has five keys with one hash tag. `v`: its epoch, its version number, the
 * number of anonymous connections, and the last write of each node. `e`: its entries by connection. `c` and `m`: its
 * connections by node and by member, in order. `u`: the number of connections of each user.
 *
 * An entry has three parts: its kind (`u` for a user's, `a` for an anonymous one) and its member; its node; data that
 * the scripts do not read. A zero byte stands between the parts; names contain none.
 *
 * @module
 */

import { type Script, script } from "../script.ts";

const PLACE = String.raw`
local v, e, c, m, u = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function parts(value)
  local i = string.find(value, '\0', 1, true)
  local j = string.find(value, '\0', i + 1, true)
  return string.sub(value, 1, 1), string.sub(value, 2, i - 1), string.sub(value, i + 1, j - 1)
end
local function leave(conn, value)
  local kind, member, node = parts(value)
  redis.call('ZREM', m, member .. '\0' .. conn)
  redis.call('ZREM', c, node .. '\0' .. conn)
  if kind == 'a' then redis.call('HINCRBY', v, 'anonymous', -1)
  elseif redis.call('HINCRBY', u, member, -1) < 1 then redis.call('HDEL', u, member) end
end
local function keep(ms)
  for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], ms) end
end
local function ofNode(node)
  return '[' .. node .. '\0', '(' .. node .. '\1'
end`;

/**
 * Writes connections of a node. Arguments: node, generation and number of the write, id for a new epoch, time to keep it,
 * 1 if the write holds all connections of the node, number of connections to put.
 */
export const WRITE: Script = script(
  PLACE,
  String.raw`
local node, gen, seq = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local head = redis.call('HMGET', v, 'epoch', 'number', 'w:' .. node)
if head[3] then
  local g, s = string.match(head[3], '^(%d+) (%d+)$')
  g, s = tonumber(g), tonumber(s)
  if g > gen or (g == gen and s >= seq) then return redis.error_reply('LATE a later write has been done already') end
end
local epoch, number = head[1], tonumber(head[2])
if not epoch then
  epoch, number = ARGV[4], 0
  redis.call('HSET', v, 'epoch', epoch, 'number', 0)
end
local changed, at, put = false, 8, {}
for i = 1, tonumber(ARGV[7]) do
  local conn, kind, member, rest = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  put[conn] = true
  local value = kind .. member .. '\0' .. node .. '\0' .. rest
  local old = redis.call('HGET', e, conn)
  if old ~= value then
    changed = true
    local stays = false
    if old then
      local k, o, n = parts(old)
      stays = k == kind and o == member and n == node
      if not stays then leave(conn, old) end
    end
    if not stays then
      redis.call('ZADD', m, 0, member .. '\0' .. conn)
      redis.call('ZADD', c, 0, node .. '\0' .. conn)
      if kind == 'a' then redis.call('HINCRBY', v, 'anonymous', 1) else redis.call('HINCRBY', u, member, 1) end
    end
    redis.call('HSET', e, conn, value)
  end
end
local dropped = {}
local function drop(conn)
  local old = redis.call('HGET', e, conn)
  if not old then return end
  local _, _, n = parts(old)
  if n ~= node then return end
  leave(conn, old)
  redis.call('HDEL', e, conn)
  dropped[#dropped + 1] = conn
end
if ARGV[6] == '1' then
  for _, row in ipairs(redis.call('ZRANGEBYLEX', c, ofNode(node))) do
    local conn = string.sub(row, #node + 2)
    if not put[conn] then drop(conn) end
  end
else
  for i = at, #ARGV do drop(ARGV[i]) end
end
changed = changed or #dropped > 0
if changed then number = redis.call('HINCRBY', v, 'number', 1) end
redis.call('HSET', v, 'w:' .. node, ARGV[2] .. ' ' .. ARGV[3])
keep(ARGV[5])
return { epoch, number, changed and 1 or 0, dropped }`,
);

/** Arguments: `c` for connections or `m` for members, where to begin, how many. */
export const READ: Script = script(
  PLACE,
  String.raw`
local head = redis.call('HMGET', v, 'epoch', 'number', 'anonymous')
if not head[1] then return { '', 0, 0, {}, '' } end
local limit, rows, more = tonumber(ARGV[3]), {}, ''
local function add(row)
  local conn = string.sub(row, string.find(row, '\0', 1, true) + 1)
  rows[#rows + 1] = conn
  rows[#rows + 1] = redis.call('HGET', e, conn) or ''
end
if ARGV[1] == 'c' then
  local list = redis.call('ZRANGEBYLEX', c, ARGV[2], '+', 'LIMIT', 0, limit + 1)
  for i = 1, math.min(limit, #list) do add(list[i]) end
  if #list > limit then more = '=' .. list[limit] end
  return { head[1], tonumber(head[2]), redis.call('ZCARD', c), rows, more }
end
local from, members, last = ARGV[2], 0, nil
repeat
  local list = redis.call('ZRANGEBYLEX', m, from, '+', 'LIMIT', 0, 256)
  for _, row in ipairs(list) do
    local member = string.sub(row, 1, string.find(row, '\0', 1, true) - 1)
    if member ~= last then
      if members == limit then
        more = '=' .. last
        break
      end
      members, last = members + 1, member
    end
    add(row)
  end
  if #list > 0 then from = '(' .. list[#list] end
until #list < 256 or more ~= ''
return { head[1], tonumber(head[2]), redis.call('HLEN', u) + tonumber(head[3] or 0), rows, more }`,
);

/** Argument: `c` or `m`. */
export const COUNT: Script = script(
  PLACE,
  String.raw`
if ARGV[1] == 'c' then return redis.call('ZCARD', c) end
return redis.call('HLEN', u) + tonumber(redis.call('HGET', v, 'anonymous') or 0)`,
);

/** Keeps a place longer, and returns how many connections a node has in it. Arguments: node, time to keep it. */
export const RENEW: Script = script(
  PLACE,
  String.raw`
keep(ARGV[2])
return redis.call('ZLEXCOUNT', c, ofNode(ARGV[1]))`,
);

/**
 * Removes connections of a node. If the node has written with a later generation, it removes nothing, and the number of
 * connections left is -1. Arguments: node, generation, how many at most.
 */
export const PURGE: Script = script(
  PLACE,
  String.raw`
local node = ARGV[1]
local head = redis.call('HMGET', v, 'epoch', 'number', 'w:' .. node)
if head[3] and tonumber(string.match(head[3], '^%d+')) > tonumber(ARGV[2]) then return { '', 0, -1, {} } end
local from, to = ofNode(node)
local removed = {}
for _, row in ipairs(redis.call('ZRANGEBYLEX', c, from, to, 'LIMIT', 0, ARGV[3])) do
  local conn = string.sub(row, #node + 2)
  local old = redis.call('HGET', e, conn)
  if old then
    leave(conn, old)
    redis.call('HDEL', e, conn)
    removed[#removed + 1] = conn
  end
end
local number = tonumber(head[2] or 0)
if #removed > 0 then number = redis.call('HINCRBY', v, 'number', 1) end
local left = redis.call('ZLEXCOUNT', c, from, to)
if left == 0 then redis.call('HDEL', v, 'w:' .. node) end
return { head[1] or '', number, left, removed }`,
);

const NOW = String.raw`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end`;

/**
 * Renews a lease, or makes a lease with a later generation than any before. Key: the lease. Arguments: the known
 * generation, how long the lease lasts, time to keep it.
 */
export const TOUCH: Script = script(
  NOW,
  String.raw`
local lease = redis.call('HMGET', KEYS[1], 'gen', 'until')
local gen, kept = tonumber(lease[1] or 0), 1
if not lease[1] or tonumber(lease[2]) <= now then
  gen, kept = math.max(gen, tonumber(ARGV[1])) + 1, 0
end
redis.call('HSET', KEYS[1], 'gen', text(gen), 'until', text(now + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { kept, gen }`,
);

/**
 * Adds a node to the list of nodes with leases. Key: the list. Arguments: node, length of the lease, time to keep it.
 */
export const ENTER: Script = script(
  NOW,
  String.raw`
redis.call('ZADD', KEYS[1], text(now + tonumber(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`,
);

/** Returns nodes whose leases have run out. Key: the list. Argument: how many. */
export const EXPIRED: Script = script(
  NOW,
  String.raw`return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now), 'LIMIT', 0, ARGV[1])`,
);

/** Reads a lease. Key: the lease. It answers with the generation, or 0 without a lease, and the remaining time. */
export const LOOK: Script = script(
  NOW,
  String.raw`
local lease = redis.call('HMGET', KEYS[1], 'gen', 'until')
if not lease[1] then return { 0, 0 } end
return { tonumber(lease[1]), math.max(0, tonumber(lease[2]) - now) }`,
);

/**
 * Deletes a purged lease and its index. Keys: the lease, the index. Arguments: its generation, 1 to delete it before it
 * has run out.
 */
export const FORGET: Script = script(
  NOW,
  String.raw`
redis.call('DEL', KEYS[2])
local lease = redis.call('HMGET', KEYS[1], 'gen', 'until')
if not lease[1] then return 1 end
if lease[1] ~= ARGV[1] or (ARGV[2] == '0' and tonumber(lease[2]) > now) then return 0 end
redis.call('DEL', KEYS[1])
return 1`,
);
