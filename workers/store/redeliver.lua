-- Make a delivery due now, with all its attempts before it, whatever became of it.
-- KEYS: job.  ARGV: the delivery's id
-- Returns 1; 0 if the job has no such delivery.
if redis.call('HGET', DELIVERY, 'id') ~= ARGV[1] then
  return 0
end
-- Who is at it now has lost the lease: what it reports is no answer to this.
redis.call('HSET', DELIVERY, 'state', 'waiting', 'failures', 0, 'holder', '')
redis.call('ZADD', DELIVERIES, stamp(now()), redis.call('HGET', JOB, 'id'))
return 1
