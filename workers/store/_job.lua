-- Stands in front of every script about one job, after `_figures.lua`. The order of KEYS is that of
-- keys.JobKeys.for_scripts(); the first is FIGURES.
local JOB, ITEMS, OPEN, LEASES, HOLDERS, ATTEMPTS, DEATHS, EXPIRIES, OUTCOMES, FINISHED, UNFINISHED = unpack(KEYS, 2)
-- Where the keys begin that a script has of its own.
local OWN = 13

-- Seconds since the epoch by Redis' clock, the only clock that all workers share.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

-- Times as text: left to itself, Redis would cut a Lua number to 14 digits.
local function stamp(seconds)
  return string.format('%.6f', seconds)
end

local function is_unfinished()
  local status = redis.call('HGET', JOB, 'status')
  return status == 'queued' or status == 'running'
end

local function lease(index, worker, seconds)
  redis.call('ZREM', OPEN, index)
  redis.call('ZADD', LEASES, stamp(now() + seconds), index)
  redis.call('HSET', HOLDERS, index, worker)
end

local function reopen(index)
  redis.call('ZREM', LEASES, index)
  redis.call('HDEL', HOLDERS, index)
  redis.call('ZADD', OPEN, index, index)
end

-- The end of the job: what only the living need goes at once, the rest all at one moment.
local function finish(status, retention)
  local at = now()
  redis.call('HSET', JOB, 'status', status, 'finished_at', stamp(at), 'expires_at', stamp(at + retention))
  count(1, 'jobs', status)
  redis.call('DEL', OPEN, LEASES, HOLDERS, ATTEMPTS, DEATHS, EXPIRIES)
  redis.call('ZREM', UNFINISHED, redis.call('HGET', JOB, 'id'))
  local expiry = string.format('%d', (at + retention) * 1000)
  for _, key in ipairs({JOB, ITEMS, OUTCOMES, FINISHED}) do
    redis.call('PEXPIREAT', key, expiry)
  end
end

-- The end of an item. Neither it nor its job may have ended before.
local function conclude(index, status, outcome, code, retention)
  redis.call('HSET', OUTCOMES, index, outcome)
  redis.call('RPUSH', FINISHED, index)
  redis.call('HINCRBY', JOB, status, 1)
  redis.call('ZREM', OPEN, index)
  redis.call('ZREM', LEASES, index)
  for _, key in ipairs({HOLDERS, ATTEMPTS, DEATHS, EXPIRIES}) do
    redis.call('HDEL', key, index)
  end
  count(1, 'items', status, code)
  if redis.call('LLEN', FINISHED) == tonumber(redis.call('HGET', JOB, 'total')) then
    finish('completed', retention)
  end
end
