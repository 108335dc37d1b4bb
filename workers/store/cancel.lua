-- End a job now: what is done stays, everything else is canceled.
-- KEYS: job.  ARGV: retention
-- Returns how many items were canceled; nothing if the job is gone or has ended.
local retention = tonumber(ARGV[1])

if not is_unfinished() then
  return false
end
local left = redis.call('ZRANGE', OPEN, 0, -1)
for _, index in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  table.insert(left, index)
end
-- First of all what takes no memory: a script that has begun to write may go on, so a full server can be emptied.
redis.call('DEL', OPEN, LEASES)
table.sort(left, function(a, b) return tonumber(a) < tonumber(b) end)
for first = 1, #left, 1000 do  -- Lua's stack holds some 8,000 arguments
  redis.call('RPUSH', FINISHED, unpack(left, first, math.min(first + 999, #left)))
end
redis.call('HSET', JOB, 'canceled', #left)
count(#left, 'items', 'canceled', '')
finish('canceled', retention)
return #left
