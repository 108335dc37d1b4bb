-- Make a job of what was staged for it, all or nothing.
-- KEYS: job, then staged items, open, outcomes, finished, then the indexes that list the job
-- ARGV: id, spec, owner or '', priority, items in all, of these known as scored, known as failed, retention,
--   limits as JSON (see _admission.lua), ends that its webhook is told of or '', needs,
--   for the metrics: scores that the known ones have, then code, how many of the failed ones, code, how many, ...
-- Returns 'created', or what kept it from doing anything: 'exists'; 'gone': a job of that id has been;
--   'incomplete': staged keys have expired; or a list that starts with why there is no room (see _admission.lua).
local STAGED_ITEMS, STAGED_OPEN, STAGED_OUTCOMES, STAGED_FINISHED = unpack(KEYS, OWN)
local id, spec, owner, priority = unpack(ARGV, 1, 4)
local total, scored, failed, retention = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local known = scored + failed
local limits = cjson.decode(ARGV[9])
local webhook, needs, cached = ARGV[10], ARGV[11], tonumber(ARGV[12])

if redis.call('EXISTS', JOB) == 1 then
  return 'exists'
end
if redis.call('EXISTS', GONE) == 1 then
  return 'gone'
end
if redis.call('LLEN', STAGED_ITEMS) ~= total
  or redis.call('ZCARD', STAGED_OPEN) ~= total - known
  or redis.call('HLEN', STAGED_OUTCOMES) ~= known
  or redis.call('LLEN', STAGED_FINISHED) ~= known then
  return 'incomplete'
end
local refused = refusal(owner, total - known, limits)
if refused then
  redis.call('UNLINK', STAGED_ITEMS, STAGED_OPEN, STAGED_OUTCOMES, STAGED_FINISHED)
  return refused
end

local moves = {{STAGED_ITEMS, ITEMS}, {STAGED_OPEN, OPEN}, {STAGED_OUTCOMES, OUTCOMES}, {STAGED_FINISHED, FINISHED}}
for _, move in ipairs(moves) do
  if redis.call('EXISTS', move[1]) == 1 then
    redis.call('RENAME', move[1], move[2])
    redis.call('PERSIST', move[2])
  end
end

local at = stamp(now())
redis.call('HSET', JOB, 'id', id, 'spec', spec, 'owner', owner, 'priority', priority, 'needs', needs, 'status', 'queued',
  'created_at', at, 'total', total, 'scored', scored, 'failed', failed, 'canceled', 0)
if webhook ~= '' then
  redis.call('HSET', JOB, 'webhook', webhook)
end
book()
redis.call('ZADD', UNFINISHED, at, id)
for position = OWN + 4, #KEYS do
  redis.call('ZADD', KEYS[position], at, id)
  -- Jobs expire by themselves, and their entries do not: as many go as come.
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[position], 0, 9)) do
    if redis.call('EXISTS', string.sub(JOB, 1, #JOB - #id) .. oldest) == 0 then
      redis.call('ZREM', KEYS[position], oldest)
    end
  end
end
count(1, 'jobs', 'created')
count(scored, 'items', 'scored', '')
count(cached, 'scores', 'cache')
for position = 13, #ARGV, 2 do
  count(tonumber(ARGV[position + 1]), 'items', 'failed', ARGV[position])
end
if known == total then
  finish('completed', retention)
end
return 'created'
