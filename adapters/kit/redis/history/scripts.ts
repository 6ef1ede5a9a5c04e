/**
 * The Lua scripts for histories. Each channel has three keys, and shares a fourth with all channels of its part:
 *
 * - `m`, its head: the base of its epoch; the offset of its newest message; the server that kept that message; how many
 *   servers kept messages before that one; how long messages last; until when the keys last;
 * - `s`, a stream of its messages. The id of a message is its offset and the time when it came, `17-1764396000000`;
 * - `k`, the offsets of messages with an idempotency key;
 * - `new`, which channels have begun in this part, and how often. So if the keys of a channel are gone, it begins again
 *   in a new epoch.
 *
 * An epoch is made of the head and the replication id of the server. A server gets a new replication id whenever it
 * starts or takes over. So if a server has lost messages, their epoch is over. A slot of a cluster may come back to an
 * earlier server, so the number of servers is part of the epoch too.
 *
 * @module
 */

import { type Script, script } from "../script.ts";

/**
 * How many channels of a part are remembered as begun. Beyond it, all channels that have not begun get another epoch.
 */
const MAX_BEGUN = 10_000;

const EPOCHS = String.raw`
local new = KEYS[1]
local function text(number) return string.format('%.0f', number) end
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then
  return redis.error_reply('READONLY This server is a replica')
end
local replid = string.match(info, 'master_replid:(%x+)')
if not replid then return redis.error_reply('NOREPLID This server does not tell its replication id') end
replid = string.sub(replid, 1, 20)
local function serversOf(count, server)
  count = tonumber(count or 0)
  return text(server and server ~= replid and count + 1 or count)
end
local function epochOf(base, servers) return base .. '.' .. servers .. '.' .. replid end
local function baseOfEmpty(channel, id, keep)
  local begun = redis.call('HMGET', new, 'id', ':' .. channel)
  if not begun[1] then
    redis.call('HSET', new, 'id', id)
    redis.call('PEXPIRE', new, keep)
  end
  return (begun[1] or id) .. '.' .. (begun[2] or '0')
end`;

const HISTORY = String.raw`
local m, s, k = KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function cameAt(offset)
  local entry = redis.call('XRANGE', s, text(offset), text(offset), 'COUNT', 1)[1]
  return entry and tonumber(string.match(entry[1], '%-(%d+)$')) or 0
end
local function oldest(last, ttl)
  local first = last - redis.call('XLEN', s) + 1
  if ttl == '' or first > last or cameAt(first) >= now - ttl then return first, first end
  local old, live = first, last + 1
  while live - old > 1 do
    local middle = math.floor((old + live) / 2)
    if cameAt(middle) < now - ttl then old = middle else live = middle end
  end
  return live, first
end`;

/**
 * Keeps a message. Arguments: the message; its idempotency key or empty; how many messages to keep; for how long or
 * empty; how long to remember an unused channel (0: it is brief); the id for a new epoch; the channel. Then, to publish
 * it: the command, the name in Redis, and the text before epoch, offset and message. It answers with the epoch, the
 * offset, and 1 if the key was known, or 0.
 */
export const APPEND: Script = script(
  EPOCHS,
  HISTORY,
  String.raw`
local data, key, size, ttl, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local head = redis.call('HMGET', m, 'base', 'last', 'until', 'servers', 'server', 'ttl')
local base, last, till = head[1], tonumber(head[2] or 0), tonumber(head[3] or 0)
local servers = serversOf(head[4], head[5])
if not base then
  if keep == 0 then
    base = ARGV[6] .. '.0'
  else
    local id = redis.call('HGET', new, 'id')
    if not id then
      id = ARGV[6]
      redis.call('HSET', new, 'id', id)
    end
    base = id .. '.' .. text(redis.call('HINCRBY', new, ':' .. ARGV[7], 1) - 1)
    redis.call('PEXPIRE', new, keep)
    if redis.call('HLEN', new) > ${MAX_BEGUN} then redis.call('DEL', new) end
  end
  redis.call('DEL', s, k)
elseif key ~= '' then
  local known = redis.call('ZSCORE', k, key)
  if known and tonumber(known) >= oldest(last, head[6]) then return { epochOf(base, servers), tonumber(known), 1 } end
end
last = last + 1
redis.call('HSET', m, 'base', base, 'last', text(last), 'ttl', ttl, 'servers', servers, 'server', replid)
redis.call('XADD', s, 'MAXLEN', size, text(last) .. '-' .. text(now), 'd', data)
local live, first = oldest(last, ttl)
if live > first then redis.call('XTRIM', s, 'MAXLEN', text(last - live + 1)) end
if key ~= '' then
  redis.call('ZREMRANGEBYSCORE', k, '-inf', '(' .. text(live))
  redis.call('ZADD', k, text(last), key)
end
local lasts = ttl == '' and keep or tonumber(ttl)
if till < now + lasts or key ~= '' then
  lasts = math.ceil(lasts * 1.25) + 1000
  redis.call('PEXPIRE', s, text(lasts))
  redis.call('PEXPIRE', k, text(lasts))
  redis.call('HSET', m, 'until', text(now + lasts))
  redis.call('PEXPIRE', m, text(lasts + keep))
end
local epoch = epochOf(base, servers)
if ARGV[8] then redis.call(ARGV[8], ARGV[9], ARGV[10] .. epoch .. ' ' .. text(last) .. ' ' .. data) end
return { epoch, last, 0 }`,
);

/**
 * Reads messages. Arguments: the id for a new epoch; how long to remember it; the channel; the epoch and offset to
 * begin after, or two empty texts; the most messages, or empty for all; whether the newest comes first. It answers with
 * the epoch, the newest offset, whether all messages after the position are there, the messages by id, and the time.
 */
export const READ: Script = script(
  EPOCHS,
  HISTORY,
  String.raw`
local head = redis.call('HMGET', m, 'base', 'last', 'ttl', 'servers', 'server')
local base, last = head[1] or baseOfEmpty(ARGV[3], ARGV[1], ARGV[2]), tonumber(head[2] or 0)
local epoch, live = epochOf(base, serversOf(head[4], head[5])), 1
if head[1] then live = oldest(last, head[3]) end
local since, complete = tonumber(ARGV[5]), 1
local from = live
if since then
  if ARGV[4] == epoch and since <= last and since + 1 >= live then from = since + 1 else complete = 0 end
end
local found, limit = {}, ARGV[6]
if from <= last and limit ~= '0' then
  local all = limit == ''
  if ARGV[7] == '1' then
    found = all and redis.call('XREVRANGE', s, '+', text(from)) or redis.call('XREVRANGE', s, '+', text(from), 'COUNT', limit)
  else
    found = all and redis.call('XRANGE', s, text(from), '+') or redis.call('XRANGE', s, text(from), '+', 'COUNT', limit)
  end
end
local flat = {}
for i, entry in ipairs(found) do
  flat[2 * i - 1] = entry[1]
  flat[2 * i] = entry[2][2]
end
return { epoch, last, complete, flat, text(now) }`,
);

/**
 * Reads only positions, of many channels. Its keys are `new` and the heads. Arguments: the id for a new epoch; how long
 * to remember it. For each head it answers with the epoch and the newest offset. The key `new` and the keys of heads
 * begin alike. Where the first ends with `new`, a head has `m:` and the name of its channel. So the name begins at the
 * byte at which the key `new` ends.
 */
export const POSITIONS: Script = script(
  EPOCHS,
  String.raw`
local found = {}
for i = 2, #KEYS do
  local head = redis.call('HMGET', KEYS[i], 'base', 'last', 'servers', 'server')
  local base = head[1] or baseOfEmpty(string.sub(KEYS[i], #new), ARGV[1], ARGV[2])
  found[i - 1] = { epochOf(base, serversOf(head[3], head[4])), tonumber(head[2] or 0) }
end
return found`,
);
