-- A worker's heartbeat.
-- KEYS: worker, workers, environments, releases
-- ARGV: worker id, record, its lifetime in seconds, environment or '', how many environments to keep, tags of what its
--   release can score
-- Returns how many workers are alive.
local id, record, ttl, environment, kept = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

redis.call('SET', KEYS[1], record, 'PX', string.format('%d', ttl * 1000))
redis.call('ZADD', KEYS[2], string.format('%.6f', now), id)
redis.call('ZADD', KEYS[4], string.format('%.6f', now), ARGV[6])
for _, key in ipairs({KEYS[2], KEYS[4]}) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.6f', now - ttl))
end
if environment ~= '' then
  redis.call('ZADD', KEYS[3], string.format('%.6f', now), environment)
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -kept - 1)
end
return redis.call('ZCARD', KEYS[2])
