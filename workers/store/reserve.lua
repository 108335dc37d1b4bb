-- Look up what one item needs, and reserve what is not known for a worker: all of it, or nothing.
-- KEYS: scores, then the reservations of the first ones; the rest is cheap, and needs none
-- ARGV: worker, life of a reservation in seconds, lifetime of scores in seconds, how many scores
-- Returns the scores, nothing for one that is not known; 'taken' (nothing was done) if another worker computes one.
local worker, milliseconds, score_ttl = ARGV[1], string.format('%d', ARGV[2] * 1000), ARGV[3]
local count = tonumber(ARGV[4])

local found, missing = {}, {}
for position = 1, count do
  found[position] = redis.call('GETEX', KEYS[position], 'EX', score_ttl)
  if not found[position] and KEYS[count + position] then
    table.insert(missing, KEYS[count + position])
  end
end
for _, key in ipairs(missing) do
  local holder = redis.call('GET', key)
  if holder and holder ~= worker then
    return 'taken'
  end
end
for _, key in ipairs(missing) do
  redis.call('SET', key, worker, 'PX', milliseconds)
end
return found
