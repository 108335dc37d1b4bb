-- Forget a job that has ended, but for a tombstone.
-- KEYS: job, then the indexes that list it
-- Returns 1; 0 if there is no such job, or it has not ended.
if redis.call('EXISTS', JOB) == 0 or is_unfinished() then
  return 0
end
local id = redis.call('HGET', JOB, 'id')
-- First of all what takes no memory: a script that has begun to write may go on, so a full server can be emptied.
for position = OWN, #KEYS do
  redis.call('ZREM', KEYS[position], id)
end
bury('deleted', TOMBSTONE_S)
redis.call('ZREM', DELIVERIES, id)
for number in ipairs(ranked_by()) do
  redis.call('UNLINK', ranks_by(number))
end
redis.call('UNLINK', JOB, ITEMS, OUTCOMES, FINISHED, TIMES, DELIVERY, TRIES, AGAINST)
return 1
