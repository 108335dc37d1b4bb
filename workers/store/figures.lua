-- Everything that the metrics show of Redis, at one moment. Reads only.
-- KEYS: figures, unfinished, workers, deliveries
-- ARGV: prefix of a job's keys, prefix of a worker's keys
-- Returns the time,
--   the upper bounds of the histograms,
--   figures as field, number, field, number, ...,
--   {jobs queued, jobs running, items open, items leased, when the oldest job with an open item came in, or ''},
--   {last beat, record, last beat, record, ...} of the workers,
--   how many webhook deliveries are to be made.
local time = redis.call('TIME')

local queued, running, open, leased, oldest = 0, 0, 0, 0, ''
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local job = ARGV[1] .. id
  local found = redis.call('HMGET', job, 'status', 'created_at')
  if found[1] then
    local waiting = redis.call('ZCARD', job .. ':open')
    open = open + waiting
    leased = leased + redis.call('ZCARD', job .. ':leases')
    queued = queued + (found[1] == 'queued' and 1 or 0)
    running = running + (found[1] == 'running' and 1 or 0)
    -- Oldest job first: the first one with an open item has the oldest.
    if waiting > 0 and oldest == '' then
      oldest = found[2]
    end
  end
end

local workers = {}
local beats = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
for position = 1, #beats, 2 do
  local record = redis.call('GET', ARGV[2] .. beats[position])
  if record then
    table.insert(workers, beats[position + 1])
    table.insert(workers, record)
  end
end

return {
  string.format('%d.%06d', time[1], time[2]),
  BUCKETS,
  redis.call('HGETALL', FIGURES),
  {queued, running, open, leased, oldest},
  workers,
  redis.call('ZCARD', KEYS[4]),
}
