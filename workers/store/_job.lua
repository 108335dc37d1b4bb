-- Stands in front of every script about one job, after `_figures.lua`. The order of KEYS is that of
-- keys.JobKeys.for_scripts(); the first is FIGURES.
local JOB, ITEMS, OPEN, LEASES, HOLDERS, ATTEMPTS, DEATHS, EXPIRIES, OUTCOMES, FINISHED, TIMES, GONE, UNFINISHED,
  OPEN_ITEMS, DELIVERY, TRIES, DELIVERIES, RANKS, AGAINST = unpack(KEYS, 2)
-- Where the keys begin that a script has of its own.
local OWN = 21
-- The holder of an item that waits for what another job's item needs too (`defer.lua`).
local NOBODY = ''

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

-- Somebody is at work on the job.
local function start()
  if redis.call('HGET', JOB, 'status') == 'queued' then
    redis.call('HSET', JOB, 'status', 'running', 'started_at', stamp(now()))
  end
end

local function lease(index, worker, seconds)
  redis.call('ZREM', OPEN, index)
  redis.call('ZADD', LEASES, stamp(now() + seconds), index)
  redis.call('HSET', HOLDERS, index, worker)
  redis.call('HSETNX', TIMES, index, stamp(now()))
end

local function reopen(index)
  redis.call('ZREM', LEASES, index)
  redis.call('HDEL', HOLDERS, index)
  redis.call('ZADD', OPEN, index, index)
end

-- Book how many items of the job have not ended, for all jobs and for its owner, and what their results will take.
-- What is added is the difference to what was booked last, and that is kept in the same step: so the sums cannot drift
-- from the truth.
local function book()
  local open = redis.call('ZCARD', OPEN) + redis.call('ZCARD', LEASES)
  local known = redis.call('HMGET', JOB, 'owner', 'booked', 'result_bytes')
  local owner, change = known[1], open - tonumber(known[2] or 0)
  if change == 0 then
    return
  end
  redis.call('HSET', JOB, 'booked', open)
  local changes = {[''] = change, [OPEN_BYTES] = change * tonumber(known[3] or 0)}
  if owner and owner ~= '' then
    changes[owner] = change
  end
  for name, amount in pairs(changes) do
    if redis.call('HINCRBY', OPEN_ITEMS, name, amount) == 0 then
      redis.call('HDEL', OPEN_ITEMS, name)
    end
  end
end

-- What the items of a job are ranked by, if it has an aggregate: {proxy, 1 or -1 if lower values are better}.
local function ranked_by()
  local aggregate = redis.call('HGET', JOB, 'aggregate')
  return aggregate and cjson.decode(aggregate) or {}
end

local function ranks_by(number, prefix)
  return (prefix or RANKS) .. ':' .. (number - 1)
end

-- Rank an item that has a value by every proxy of the job's aggregate. Seventeen digits hold a number exactly.
local function rank(index, outcome)
  local parts, goodness = ranked_by(), {}
  local scores = #parts > 0 and cjson.decode(outcome).scores
  for number, part in ipairs(parts) do
    local score = scores[part[1]]
    if not score or score.value == cjson.null then
      return
    end
    goodness[number] = string.format('%.17g', part[2] * score.value)
  end
  for number, value in ipairs(goodness) do
    redis.call('ZADD', ranks_by(number), value, index)
  end
end

-- What stays of a job: as long as it is there, its id is not given again, and no late write finds a job.
local function bury(how, seconds)
  local owner = redis.call('HGET', JOB, 'owner') or ''
  redis.call('SET', GONE, how .. ':' .. owner, 'PX', string.format('%d', seconds * 1000))
end

-- Leave a delivery of the end to the job's webhook, if it has one that wants to know.
local function announce(status, at)
  local wanted = redis.call('HGET', JOB, 'webhook')
  if not wanted or not string.find(wanted, status, 1, true) then
    return
  end
  local id = redis.call('HGET', JOB, 'id')
  redis.call('HSET', DELIVERY, 'id', string.format('msg_%s_%.0f', id, at * 1000), 'type', 'job.' .. status,
    'state', 'waiting', 'failures', 0, 'holder', '')
  redis.call('ZADD', DELIVERIES, stamp(at), id)
end

-- The end of the job: what only the living need goes at once, the rest all at one moment.
local function finish(status, retention)
  local at = now()
  redis.call('HSET', JOB, 'status', status, 'finished_at', stamp(at), 'expires_at', stamp(at + retention))
  count(1, 'jobs', status)
  announce(status, at)
  redis.call('DEL', OPEN, LEASES, HOLDERS, ATTEMPTS, DEATHS, EXPIRIES)
  book()
  redis.call('ZREM', UNFINISHED, redis.call('HGET', JOB, 'id'))
  local expiry = string.format('%d', (at + retention) * 1000)
  local mortal = {JOB, ITEMS, OUTCOMES, FINISHED, TIMES, DELIVERY, AGAINST}
  for number in ipairs(ranked_by()) do
    table.insert(mortal, ranks_by(number))
  end
  for _, key in ipairs(mortal) do
    redis.call('PEXPIREAT', key, expiry)
  end
  -- Read only where there is no job (any more).
  bury('expired', retention + TOMBSTONE_S)
end

-- The end of an item. Neither it nor its job may have ended before.
local function conclude(index, status, outcome, code, retention)
  start()
  redis.call('HSET', TIMES, index, (redis.call('HGET', TIMES, index) or '') .. ' ' .. stamp(now()))
  redis.call('HSET', OUTCOMES, index, outcome)
  redis.call('RPUSH', FINISHED, index)
  rank(index, outcome)
  redis.call('HINCRBY', JOB, status, 1)
  redis.call('ZREM', OPEN, index)
  redis.call('ZREM', LEASES, index)
  for _, key in ipairs({HOLDERS, ATTEMPTS, DEATHS, EXPIRIES}) do
    redis.call('HDEL', key, index)
  end
  count(1, 'items', status, code)
  book()
  if redis.call('LLEN', FINISHED) == tonumber(redis.call('HGET', JOB, 'total')) then
    finish('completed', retention)
  end
end
