-- Write down what became of an attempt. Whoever lost the lease meanwhile decides nothing, but the attempt was made.
-- KEYS: job.  ARGV: holder, "delivered", "failed" or "given_up", the attempt, seconds until the next one, how many
--   attempts are kept
-- Returns 1; 0 if the delivery is gone, or is another's by now.
local holder, outcome, attempt, delay, kept = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if redis.call('EXISTS', DELIVERY) == 0 then
  return 0
end
redis.call('RPUSH', TRIES, attempt)
redis.call('LTRIM', TRIES, -kept, -1)
redis.call('PEXPIRE', TRIES, redis.call('PTTL', DELIVERY))
if redis.call('HGET', DELIVERY, 'holder') ~= holder then
  return 0
end
local job = redis.call('HGET', JOB, 'id')
redis.call('HSET', DELIVERY, 'holder', '')
count(1, 'webhooks', outcome)
if outcome == 'failed' then
  redis.call('HINCRBY', DELIVERY, 'failures', 1)
  redis.call('ZADD', DELIVERIES, stamp(now() + delay), job)
else
  redis.call('HSET', DELIVERY, 'state', outcome)
  redis.call('ZREM', DELIVERIES, job)
end
return 1
