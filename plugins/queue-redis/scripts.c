/* queue-redis/scripts.c - what happens in the server, each as a whole: a message is in
 * one place at any time, and who dies in the middle of a call leaves nothing halfway.
 *
 * Keys, of each topic:
 *   PREFIX:ready:TOPIC        list, what can be taken, next one first
 *   PREFIX:later:TOPIC        sorted set, what waits, by the microsecond when it is due
 *   PREFIX:out:HOLDER:TOPIC   hash, what one subscriber has, by its number
 *   PREFIX:holders:TOPIC      sorted set, who has something, by the end of its lease
 *   PREFIX:gen:HOLDER         which of its connections counts
 * Why no streams: a message that is given back with a delay, or by the death of its
 * holder, would be added anew, and who holds one for hours would have to claim each
 * message again and again; here one lease covers all that a subscriber has.
 *
 * Subscribers are told when a list that was empty is not any more, or when something is
 * due earlier than all before: whoever has not found it empty since then knows. */
#include "redis.h"

/* In a cluster all name one key, which is never there, for the slot of all (cluster.c).
 * Who listens is then told by that slot's node alone.
 *
 * Arguments of all: prefix, prefix of channels, milliseconds until what nobody asks for
 * is forgotten. */
#define COMMON                                                                         \
    "local P, C = ARGV[1], ARGV[2]\n"                                                  \
    "local call = redis.call\n"                                                        \
    "local TELL = KEYS[1] and 'SPUBLISH' or 'PUBLISH'\n"                               \
    "local function key(kind, topic) return P..':'..kind..':'..topic end\n"            \
    "local function keep(k) call('PEXPIRE', k, ARGV[3]) end\n"                         \
    "local function now_ms()\n"                                                        \
    "  local t = call('TIME')\n"                                                       \
    "  return t[1] * 1000 + math.floor(t[2] / 1000)\n"                                 \
    "end\n"                                                                            \
    "local function tell(topic) call(TELL, C..topic, 'w') end\n"                       \
    "local function again(m)\n"                                                        \
    "  local at = string.find(m, '|', 1, true)\n"                                      \
    "  local n = at and tonumber(string.sub(m, 1, at - 1))\n"                          \
    "  if not n then return m end\n"                                                   \
    "  return string.format('%d', n + 1)..string.sub(m, at)\n"                         \
    "end\n"                                                                            \
    "local function delay(topic, due, now, m)\n"                                       \
    "  local k = key('later', topic)\n"                                                \
    "  call('ZADD', k, due, m)\n"                                                      \
    "  local ms = math.max(0, (tonumber(due) - now) / 1000) + ARGV[3]\n"               \
    "  if call('PTTL', k) < ms then\n"                                                 \
    "    call('PEXPIRE', k, string.format('%.0f', ms))\n"                              \
    "  end\n"                                                                          \
    "  return call('ZRANGE', k, 0, 0)[1] == m\n"                                       \
    "end\n"                                                                            \
    "local function give_back(topic, holder, kept)\n"                                  \
    "  local out, ready = key('out:'..holder, topic), key('ready', topic)\n"           \
    "  local numbers = {}\n"                                                           \
    "  for _, n in ipairs(call('HKEYS', out)) do\n"                                    \
    "    if not kept[n] then numbers[#numbers + 1] = n end\n"                          \
    "  end\n"                                                                          \
    "  table.sort(numbers, function(a, b) return tonumber(a) > tonumber(b) end)\n"     \
    "  for _, n in ipairs(numbers) do\n"                                               \
    "    call('LPUSH', ready, again(call('HGET', out, n)))\n"                          \
    "    call('HDEL', out, n)\n"                                                       \
    "  end\n"                                                                          \
    "  if #numbers > 0 then keep(ready) end\n"                                         \
    "  if call('EXISTS', out) == 0 then\n"                                             \
    "    call('ZREM', key('holders', topic), holder)\n"                                \
    "  end\n"                                                                          \
    "  return #numbers\n"                                                              \
    "end\n"

/* Then: messages a topic may have, now, and of each message topic, when, what. All or
 * none of them. */
#define PUBLISH                                                                        \
    "#!lua\n" COMMON "local max, now = tonumber(ARGV[4]), tonumber(ARGV[5])\n"         \
    "local counts, told = {}, {}\n"                                                    \
    "for i = 6, #ARGV, 3 do counts[ARGV[i]] = (counts[ARGV[i]] or 0) + 1 end\n"        \
    "for topic, n in pairs(counts) do\n"                                               \
    "  n = n + call('LLEN', key('ready', topic)) + call('ZCARD', key('later', topic))" \
    "\n"                                                                               \
    "  if n > max then return redis.error_reply('FULL max_messages') end\n"            \
    "end\n"                                                                            \
    "for i = 6, #ARGV, 3 do\n"                                                         \
    "  local topic, due, m = ARGV[i], ARGV[i + 1], ARGV[i + 2]\n"                      \
    "  if tonumber(due) > now then\n"                                                  \
    "    if delay(topic, due, now, m) then told[topic] = true end\n"                   \
    "  elseif call('RPUSH', key('ready', topic), m) == 1 then\n"                       \
    "    told[topic] = true\n"                                                         \
    "  end\n"                                                                          \
    "end\n"                                                                            \
    "for topic in pairs(counts) do\n"                                                  \
    "  keep(key('ready', topic))\n"                                                    \
    "  if told[topic] then tell(topic) end\n"                                          \
    "end\n"                                                                            \
    "return #ARGV\n"

/* Then: topic, holder, generation, number of the first, how many, lease in ms, now.
 * What is longer than a message with the longest id and body (rq_pack) is none: of it
 * comes nothing, since no reply is that long and it would be asked for again for ever.
 * Gives the microseconds until something is due (-1: nothing), and messages. What is
 * still on its way from a connection that was replaced must take nothing. */
#define TAKE                                                                           \
    "#!lua flags=allow-oom\n" COMMON                                                   \
    "local topic, holder, first = ARGV[4], ARGV[5], tonumber(ARGV[7])\n"               \
    "local lease, now = tonumber(ARGV[9]), tonumber(ARGV[10])\n"                       \
    "local ready, later = key('ready', topic), key('later', topic)\n"                  \
    "local holders, out = key('holders', topic), key('out:'..holder, topic)\n"         \
    "local gen = call('GET', P..':gen:'..holder)\n"                                    \
    "if gen and tonumber(gen) > tonumber(ARGV[6]) then return {-1} end\n"              \
    "local clock, moved = now_ms(), 0\n"                                               \
    "call('ZADD', holders, 'XX', clock + lease, holder)\n"                             \
    "for _, dead in ipairs(call('ZRANGEBYSCORE', holders, '-inf', clock,\n"            \
    "    'LIMIT', 0, 16)) do\n"                                                        \
    "  moved = moved + give_back(topic, dead, {})\n"                                   \
    "  call('ZREM', holders, dead)\n"                                                  \
    "end\n"                                                                            \
    "local next = call('ZRANGE', later, 0, 0, 'WITHSCORES')\n"                         \
    "if next[2] and tonumber(next[2]) <= now then\n"                                   \
    "  for _, m in ipairs(call('ZRANGEBYSCORE', later, '-inf', ARGV[10],\n"            \
    "      'LIMIT', 0, 500)) do\n"                                                     \
    "    call('RPUSH', ready, m)\n"                                                    \
    "    call('ZREM', later, m)\n"                                                     \
    "    moved = moved + 1\n"                                                          \
    "  end\n"                                                                          \
    "  next = call('ZRANGE', later, 0, 0, 'WITHSCORES')\n"                             \
    "end\n"                                                                            \
    "local was_empty = moved > 0 and call('LLEN', ready) == moved\n"                   \
    "local got = call('LPOP', ready, ARGV[8]) or {}\n"                                 \
    "if #got > 0 then\n"                                                               \
    "  local pairs_ = {}\n"                                                            \
    "  for i, m in ipairs(got) do\n"                                                   \
    "    if #m > 66000 then m, got[i] = '', '' end\n"                                  \
    "    pairs_[2 * i - 1] = string.format('%.0f', first + i - 1)\n"                   \
    "    pairs_[2 * i] = m\n"                                                          \
    "  end\n"                                                                          \
    "  call('HSET', out, unpack(pairs_))\n"                                            \
    "  call('ZADD', holders, clock + lease, holder)\n"                                 \
    "  keep(out)\n"                                                                    \
    "  keep(holders)\n"                                                                \
    "end\n"                                                                            \
    "if #got == tonumber(ARGV[8]) and call('LLEN', ready) > 0 then\n"                  \
    "  keep(ready)\n"                                                                  \
    "  if was_empty then tell(topic) end\n"                                            \
    "end\n"                                                                            \
    "local wait = -1\n"                                                                \
    "if next[2] then wait = math.max(1, tonumber(next[2]) - now) end\n"                \
    "local head = call('ZRANGE', holders, 0, 1, 'WITHSCORES')\n"                       \
    "for i = 1, #head, 2 do\n"                                                         \
    "  local left = math.max(1, (tonumber(head[i + 1]) - clock + 1) * 1000)\n"         \
    "  if head[i] ~= holder and (wait < 0 or left < wait) then wait = left end\n"      \
    "end\n"                                                                            \
    "table.insert(got, 1, wait)\n"                                                     \
    "return got\n"

/* Then: topic, holder, numbers. */
#define ACK                                                                            \
    "#!lua flags=allow-oom\n" COMMON "local out = key('out:'..ARGV[5], ARGV[4])\n"     \
    "local n = call('HDEL', out, unpack(ARGV, 6))\n"                                   \
    "if call('EXISTS', out) == 0 then\n"                                               \
    "  call('ZREM', key('holders', ARGV[4]), ARGV[5])\n"                               \
    "end\n"                                                                            \
    "return n\n"

/* Then: topic, holder, when it comes again (0: now), now, numbers. */
#define NACK                                                                           \
    "#!lua flags=allow-oom\n" COMMON                                                   \
    "local topic, holder, due = ARGV[4], ARGV[5], ARGV[6]\n"                           \
    "local now, n, told = tonumber(ARGV[7]), 0, false\n"                               \
    "local out, ready = key('out:'..holder, topic), key('ready', topic)\n"             \
    "for i = 8, #ARGV do\n"                                                            \
    "  local m = call('HGET', out, ARGV[i])\n"                                         \
    "  if m then\n"                                                                    \
    "    n = n + call('HDEL', out, ARGV[i])\n"                                         \
    "    m = again(m)\n"                                                               \
    "    if tonumber(due) > now then\n"                                                \
    "      told = delay(topic, due, now, m) or told\n"                                 \
    "    else\n"                                                                       \
    "      told = call('RPUSH', ready, m) == 1 or told\n"                              \
    "    end\n"                                                                        \
    "  end\n"                                                                          \
    "end\n"                                                                            \
    "keep(ready)\n"                                                                    \
    "if call('EXISTS', out) == 0 then\n"                                               \
    "  call('ZREM', key('holders', topic), holder)\n"                                  \
    "end\n"                                                                            \
    "if told then tell(topic) end\n"                                                   \
    "return n\n"

/* Then: topic, holder, generation, lease in ms, numbers of what it still has. All else
 * that it is said to have goes back: what it was sent and never got, or all when it
 * leaves. */
#define HOLD                                                                           \
    "#!lua flags=allow-oom\n" COMMON                                                   \
    "local topic, holder, kept = ARGV[4], ARGV[5], {}\n"                               \
    "local was = call('LLEN', key('ready', topic))\n"                                  \
    "for i = 8, #ARGV do kept[ARGV[i]] = true end\n"                                   \
    "call('SET', P..':gen:'..holder, ARGV[6], 'PX', 3600000)\n"                        \
    "give_back(topic, holder, kept)\n"                                                 \
    "call('ZADD', key('holders', topic), 'XX', now_ms() + ARGV[7], holder)\n"          \
    "if was == 0 and call('LLEN', key('ready', topic)) > 0 then tell(topic) end\n"     \
    "return 1\n"

/* Then: topic, holder, lease in ms. Gives how many can be taken. */
#define RENEW                                                                          \
    "#!lua flags=allow-oom\n" COMMON "local holders = key('holders', ARGV[4])\n"       \
    "local out = key('out:'..ARGV[5], ARGV[4])\n"                                      \
    "call('ZADD', holders, 'XX', now_ms() + ARGV[6], ARGV[5])\n"                       \
    "keep(out)\n"                                                                      \
    "keep(holders)\n"                                                                  \
    "return call('LLEN', key('ready', ARGV[4]))\n"

/* Then: topic, the message. */
#define BROADCAST                                                                      \
    "#!lua flags=allow-oom\n" COMMON "return call(TELL, C..ARGV[4], ARGV[5])\n"

const char *const rq_scripts[RQ_N_SCRIPTS] = {
    [RQ_PUBLISH] = PUBLISH,     [RQ_TAKE] = TAKE, [RQ_ACK] = ACK,
    [RQ_NACK] = NACK,           [RQ_KEEP] = HOLD, [RQ_RENEW] = RENEW,
    [RQ_BROADCAST] = BROADCAST,
};
