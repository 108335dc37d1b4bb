-- Whether there is room for a job, in the same step that creates it: two submissions cannot both pass a bound.

-- Bytes that Redis uses, and that it may use; 0: as many as there are.
local function memory()
  local info = redis.call('INFO', 'memory')
  return tonumber(string.match(info, '\nused_memory:(%d+)')), tonumber(string.match(info, '\nmaxmemory:(%d+)') or 0)
end

-- How many items of an owner's jobs have not ended; of all jobs for ''. For OPEN_BYTES: what their results will take.
local function open_items(owner)
  return tonumber(redis.call('HGET', OPEN_ITEMS, owner) or 0)
end

-- Why a job with that many items to compute is not taken now: a list that starts with the reason. Nothing if it is.
local function refusal(owner, items, limits)
  if redis.call('EXISTS', UNFINISHED) == 0 then
    -- Where no job is, no item is open: this mends what somebody broke who deleted keys by hand.
    redis.call('DEL', OPEN_ITEMS)
  end
  local in_all = open_items('')
  if items > 0 and in_all + items > limits.open_items then
    return {'queue_full', in_all}
  end
  if items > 0 and owner ~= '' and open_items(owner) + items > limits.open_items_per_name then
    return {'quota_exceeded', open_items(owner)}
  end
  local used, most = memory()
  local owed, asked = open_items(OPEN_BYTES), items * limits.result_bytes
  if most > 0 and (used > limits.memory_share * most or used + owed + asked > most) then
    return {'store_full', used, most, owed, asked}
  end
end
