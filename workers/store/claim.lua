-- Lease open items to a worker, lowest indexes first. Leases that ran out are seen here, and counted.
-- KEYS: job
-- ARGV: worker, limit, lease in seconds, how many engine deaths or leases that ran out make an item a suspect,
--   how many leases that ran out end it, the outcome that it has then, its code, retention
-- Returns index, attempt, item, index, attempt, item, ...; nothing if the job is gone or has ended.
local worker, limit, seconds = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local suspicious, expiries = tonumber(ARGV[4]), tonumber(ARGV[5])
local outcome, code, retention = ARGV[6], ARGV[7], tonumber(ARGV[8])

-- Whatever happens to the worker of a suspect must not happen to its neighbours too: it is leased alone.
local function is_suspect(index)
  for _, key in ipairs({DEATHS, EXPIRIES}) do
    if tonumber(redis.call('HGET', key, index) or 0) >= suspicious then
      return true
    end
  end
  return false
end

local function expire(index)
  count(1, 'lease_expiries')
  return redis.call('HINCRBY', EXPIRIES, index, 1)
end

if not is_unfinished() then
  return {}
end
for _, index in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', stamp(now()))) do
  if redis.call('HGET', HOLDERS, index) == NOBODY then
    reopen(index)
  elseif expire(index) >= expiries then
    conclude(index, 'failed', outcome, code, retention)
  else
    reopen(index)
  end
end
if not is_unfinished() then
  return {}
end

local claimed, new = {}, 0
for position, index in ipairs(redis.call('ZRANGE', OPEN, 0, limit - 1)) do
  local alone = is_suspect(index)
  if alone and position > 1 then
    break
  end
  local attempt = redis.call('HINCRBY', ATTEMPTS, index, 1)
  new = new + (attempt == 1 and 1 or 0)
  lease(index, worker, seconds)
  table.insert(claimed, index)
  table.insert(claimed, attempt)
  table.insert(claimed, redis.call('LINDEX', ITEMS, index))
  if alone then
    break
  end
end
observe(new, 'queue', now() - tonumber(redis.call('HGET', JOB, 'created_at')))
if #claimed > 0 then
  start()
end
return claimed
