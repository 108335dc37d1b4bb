-- Extend a worker's leases.
-- KEYS: job.  ARGV: worker, lease in seconds, indexes
-- Returns 1 if the job still wants them, 0 if it is gone or has ended.
local worker, seconds = ARGV[1], tonumber(ARGV[2])

if not is_unfinished() then
  return 0
end
for position = 3, #ARGV do
  local index = ARGV[position]
  local holder = redis.call('HGET', HOLDERS, index)
  -- Open again, yet this worker is still at it: its lease ran out while Redis could not be reached.
  local reopened = not holder and redis.call('ZSCORE', OPEN, index)
  if reopened then
    -- It was silent and lives: nothing to hold against the item.
    redis.call('HINCRBY', EXPIRIES, index, -1)
  end
  if holder == worker or reopened then
    lease(index, worker, seconds)
  end
end
return 1
