-- Put items that a worker holds aside for a while: another worker computes what they need, for another job. Nobody
-- holds them then, and nothing is held against them when that time is over (`claim.lua`).
-- KEYS: job.  ARGV: worker, seconds, indexes
-- Returns nothing.
local worker, seconds = ARGV[1], tonumber(ARGV[2])

for position = 3, #ARGV do
  if redis.call('HGET', HOLDERS, ARGV[position]) == worker then
    lease(ARGV[position], NOBODY, seconds)
  end
end
