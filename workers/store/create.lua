-- Make a job of what was staged for it, all or nothing.
-- KEYS: job, then staged items, open, outcomes, finished, ranks, against, then the indexes that list the job
-- ARGV: id, spec, owner or '', priority, items in all, of these known as scored, known as failed, retention,
--   limits as JSON (see _admission.lua), ends that its webhook is told of or '', needs,
--   what its items are ranked by as JSON or '', how many of the known ones are ranked, 1 if it has `against`, else 0,
--   for the metrics: scores that the known ones have, then code, how many of the failed ones, code, how many, ...
-- Returns 'created', or what kept it from doing anything: 'exists'; 'gone': a job of that id has been;
--   'incomplete': staged keys have expired; or a list that starts with why there is no room (see _admission.lua).
local STAGED_ITEMS, STAGED_OPEN, STAGED_OUTCOMES, STAGED_FINISHED, STAGED_RANKS, STAGED_AGAINST = unpack(KEYS, OWN)
local id, spec, owner, priority = unpack(ARGV, 1, 4)
local total, scored, failed, retention = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local known = scored + failed
local limits = cjson.decode(ARGV[9])
local webhook, needs = ARGV[10], ARGV[11]
local aggregate, ranked, against, cached = ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])

local moves = {
  {STAGED_ITEMS, ITEMS}, {STAGED_OPEN, OPEN}, {STAGED_OUTCOMES, OUTCOMES}, {STAGED_FINISHED, FINISHED},
  {STAGED_AGAINST, AGAINST},
}
local whole = redis.call('LLEN', STAGED_ITEMS) == total
  and redis.call('ZCARD', STAGED_OPEN) == total - known
  and redis.call('HLEN', STAGED_OUTCOMES) == known
  and redis.call('LLEN', STAGED_FINISHED) == known
  and redis.call('EXISTS', STAGED_AGAINST) == against
for number in ipairs(aggregate == '' and {} or cjson.decode(aggregate)) do
  local staged = ranks_by(number, STAGED_RANKS)
  whole = whole and redis.call('ZCARD', staged) == ranked
  table.insert(moves, {staged, ranks_by(number)})
end

if redis.call('EXISTS', JOB) == 1 then
  return 'exists'
end
if redis.call('EXISTS', GONE) == 1 then
  return 'gone'
end
if not whole then
  return 'incomplete'
end
local refused = refusal(owner, total - known, limits)
if refused then
  for _, move in ipairs(moves) do
    redis.call('UNLINK', move[1])
  end
  return refused
end

for _, move in ipairs(moves) do
  if redis.call('EXISTS', move[1]) == 1 then
    redis.call('RENAME', move[1], move[2])
    redis.call('PERSIST', move[2])
  end
end

local at = stamp(now())
redis.call('HSET', JOB, 'id', id, 'spec', spec, 'owner', owner, 'priority', priority, 'needs', needs, 'status', 'queued',
  'created_at', at, 'total', total, 'scored', scored, 'failed', failed, 'canceled', 0,
  'result_bytes', limits.result_bytes)
if aggregate ~= '' then
  redis.call('HSET', JOB, 'aggregate', aggregate)
end
if webhook ~= '' then
  redis.call('HSET', JOB, 'webhook', webhook)
end
book()
redis.call('ZADD', UNFINISHED, at, id)
for position = OWN + 6, #KEYS do
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
for position = 16, #ARGV, 2 do
  count(tonumber(ARGV[position + 1]), 'items', 'failed', ARGV[position])
end
if known == total then
  finish('completed', retention)
end
return 'created'
