-- What is still to be done, and by how many.
-- KEYS: unfinished, workers, cost, releases
-- ARGV: prefix of a job's keys, seconds after which a silent worker is none, how many jobs are looked at
-- Returns workers, cost or '', {tags of each release alive}, then of every unfinished job, oldest first: id, priority, items not ended, of these
--   open, items computed, seconds that took; of none if there are more than may be looked at.
local time = redis.call('TIME')
local alive = string.format('%d.%06d', time[1] - tonumber(ARGV[2]), time[2])

local found = {redis.call('ZCOUNT', KEYS[2], alive, '+inf'), redis.call('GET', KEYS[3]) or '',
  redis.call('ZRANGEBYSCORE', KEYS[4], alive, '+inf')}
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
  return found
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local job = ARGV[1] .. id
  local open = redis.call('ZCARD', job .. ':open')
  local known = redis.call('HMGET', job, 'priority', 'computed', 'seconds')
  local left = open + redis.call('ZCARD', job .. ':leases')
  for _, value in ipairs({id, known[1] or 'normal', left, open, known[2] or 0, known[3] or 0}) do
    table.insert(found, value)
  end
end
return found
