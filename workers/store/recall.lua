-- Look scores up. The lifetimes of those that are known start anew.
-- KEYS: scores.  ARGV: lifetime in seconds
-- Returns the scores in the order of their keys, nothing for one that is not known.
local found = {}
for position, key in ipairs(KEYS) do
  found[position] = redis.call('GETEX', key, 'EX', ARGV[1])
end
return found
