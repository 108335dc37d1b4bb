-- The jobs that have something to do and nobody at it: open items, or leases that are over.
-- KEYS: unfinished.  ARGV: prefix of a job's keys
-- Returns id, needs, id, needs, ..., oldest job first.
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])

local waiting = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local job = ARGV[1] .. id
  if redis.call('EXISTS', job) == 0 then
    redis.call('ZREM', KEYS[1], id)
  elseif redis.call('EXISTS', job .. ':open') == 1
    or redis.call('ZCOUNT', job .. ':leases', '-inf', now) > 0 then
    table.insert(waiting, id)
    table.insert(waiting, redis.call('HGET', job, 'needs') or '')
  end
end
return waiting
