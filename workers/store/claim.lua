-- Lease open items to a worker, lowest indexes first.
-- KEYS: job.  ARGV: worker, limit, lease in seconds
-- Returns index, attempt, item, index, attempt, item, ...; nothing if the job is gone or has ended.
local worker, limit, seconds = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if not is_unfinished() then
  return {}
end
for _, index in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', stamp(now()))) do
  reopen(index)
end

local claimed, new = {}, 0
for _, index in ipairs(redis.call('ZRANGE', OPEN, 0, limit - 1)) do
  local attempt = redis.call('HINCRBY', ATTEMPTS, index, 1)
  new = new + (attempt == 1 and 1 or 0)
  lease(index, worker, seconds)
  table.insert(claimed, index)
  table.insert(claimed, attempt)
  table.insert(claimed, redis.call('LINDEX', ITEMS, index))
end
observe(new, 'queue', now() - tonumber(redis.call('HGET', JOB, 'created_at')))
if #claimed > 0 and redis.call('HGET', JOB, 'status') == 'queued' then
  redis.call('HSET', JOB, 'status', 'running', 'started_at', stamp(now()))
end
return claimed
