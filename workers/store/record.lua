-- Write how an item ended. The first writer wins, be its lease alive, over, or another worker's by now.
-- KEYS: job, cost, scores, then the keys of those to remember, then reservations of the worker that end with it
-- ARGV: index, "scored" or "failed", outcome, retention, lifetime of scores in seconds,
--   for the metrics: code of the failure or '', scores from the cache, scores computed, seconds that took,
--   then the worker, and the scores
-- Returns 1 if this was the first outcome, 0 if it was refused: the job is gone or has ended, or the item has.
local index, status, outcome = ARGV[1], ARGV[2], ARGV[3]
local retention, score_ttl = tonumber(ARGV[4]), ARGV[5]
local code, cached, computed, seconds = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

if not is_unfinished() or redis.call('HEXISTS', OUTCOMES, index) == 1 then
  return 0
end
local total = tonumber(redis.call('HGET', JOB, 'total'))
if tonumber(index) < 0 or tonumber(index) >= total then
  return redis.error_reply('ERR job has no item ' .. index)
end

local worker, first, scores = ARGV[10], 10, #ARGV - 10
for number = 1, scores do
  redis.call('SET', KEYS[OWN + 1 + number], ARGV[first + number], 'EX', score_ttl)
  redis.call('SADD', KEYS[OWN + 1], KEYS[OWN + 1 + number])
end
-- In this step, and not in one of their own: the next item waits for it.
for position = OWN + 2 + scores, #KEYS do
  if redis.call('GET', KEYS[position]) == worker then
    redis.call('DEL', KEYS[position])
  end
end
count(cached, 'scores', 'cache')
count(computed, 'scores', 'computed')
observe(math.min(computed, 1), 'compute', seconds)
if computed > 0 then
  redis.call('HINCRBY', JOB, 'computed', 1)
  redis.call('HINCRBYFLOAT', JOB, 'seconds', ARGV[9])
  local before = tonumber(redis.call('GET', KEYS[OWN]) or seconds)
  redis.call('SET', KEYS[OWN], string.format('%.6f', before + 0.05 * (seconds - before)))
end
conclude(index, status, outcome, code, retention)
return 1
