-- Make a job of what was staged for it, all or nothing.
-- KEYS: job, then staged items, open, outcomes, finished
-- ARGV: id, spec, items in all, of these known as scored, known as failed, retention,
--   for the metrics: scores that the known ones have, then code, how many of the failed ones, code, how many, ...
-- Returns 'created'; 'exists' (nothing was done); 'incomplete': staged keys have expired (nothing was done).
local STAGED_ITEMS, STAGED_OPEN, STAGED_OUTCOMES, STAGED_FINISHED = unpack(KEYS, OWN)
local id, spec = ARGV[1], ARGV[2]
local total, scored, failed, retention = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local known = scored + failed
local cached = tonumber(ARGV[7])

if redis.call('EXISTS', JOB) == 1 then
  return 'exists'
end
if redis.call('LLEN', STAGED_ITEMS) ~= total
  or redis.call('ZCARD', STAGED_OPEN) ~= total - known
  or redis.call('HLEN', STAGED_OUTCOMES) ~= known
  or redis.call('LLEN', STAGED_FINISHED) ~= known then
  return 'incomplete'
end

local moves = {{STAGED_ITEMS, ITEMS}, {STAGED_OPEN, OPEN}, {STAGED_OUTCOMES, OUTCOMES}, {STAGED_FINISHED, FINISHED}}
for _, move in ipairs(moves) do
  if redis.call('EXISTS', move[1]) == 1 then
    redis.call('RENAME', move[1], move[2])
    redis.call('PERSIST', move[2])
  end
end

local at = stamp(now())
redis.call('HSET', JOB, 'id', id, 'spec', spec, 'status', 'queued', 'created_at', at,
  'total', total, 'scored', scored, 'failed', failed, 'canceled', 0)
redis.call('ZADD', UNFINISHED, at, id)
count(1, 'jobs', 'created')
count(scored, 'items', 'scored', '')
count(cached, 'scores', 'cache')
for position = 8, #ARGV, 2 do
  count(tonumber(ARGV[position + 1]), 'items', 'failed', ARGV[position])
end
if known == total then
  finish('completed', retention)
end
return 'created'
