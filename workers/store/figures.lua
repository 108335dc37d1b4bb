-- Everything that the metrics show of Redis, at one moment. Reads only.
-- KEYS: figures, unfinished, workers, deliveries, releases
-- ARGV: prefix of a job's keys, prefix of a worker's keys, seconds after which a silent worker is none
-- Returns the time,
--   the upper bounds of the histograms,
--   figures as field, number, field, number, ...,
--   {jobs queued, jobs running, items open, items leased, when the oldest job with an open item came in, or ''},
--   {last beat, record, last beat, record, ...} of the workers,
--   how many webhook deliveries are to be made,
--   {needs, open items of jobs that have them, needs, ...}, {tags of each release alive}.
local time = redis.call('TIME')

local queued, running, open, leased, oldest = 0, 0, 0, 0, ''
local by_needs = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local job = ARGV[1] .. id
  local found = redis.call('HMGET', job, 'status', 'created_at', 'needs')
  if found[1] then
    local waiting = redis.call('ZCARD', job .. ':open')
    open = open + waiting
    local needs = found[3] or ''
    by_needs[needs] = (by_needs[needs] or 0) + waiting
    leased = leased + redis.call('ZCARD', job .. ':leases')
    queued = queued + (found[1] == 'queued' and 1 or 0)
    running = running + (found[1] == 'running' and 1 or 0)
    -- Oldest job first: the first one with an open item has the oldest.
    if waiting > 0 and oldest == '' then
      oldest = found[2]
    end
  end
end

local needed = {}
for needs, waiting in pairs(by_needs) do
  table.insert(needed, needs)
  table.insert(needed, waiting)
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
  needed,
  redis.call('ZRANGEBYSCORE', KEYS[5], string.format('%d.%06d', time[1] - tonumber(ARGV[3]), time[2]), '+inf'),
}
