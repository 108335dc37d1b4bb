-- Lease the webhook delivery that has been due for the longest. Those whose job is gone are dropped on the way.
-- KEYS: deliveries.  ARGV: prefix of a job's keys, holder, lease in seconds
-- Returns the job's id, the delivery's id, its type, how often it has failed; nothing if none is due.
local prefix, holder, seconds = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now), 'LIMIT', 0, 100)) do
  local delivery = prefix .. job .. ':delivery'
  if redis.call('EXISTS', delivery) == 1 then
    redis.call('ZADD', KEYS[1], string.format('%.6f', now + seconds), job)
    redis.call('HSET', delivery, 'holder', holder)
    local known = redis.call('HMGET', delivery, 'id', 'type', 'failures')
    return {job, known[1], known[2], tonumber(known[3])}
  end
  redis.call('ZREM', KEYS[1], job)
end
return {}
