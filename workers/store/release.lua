-- Hand items back that a worker holds and did not finish.
-- KEYS: job.  ARGV: worker, indexes
-- Returns how many are open again.
local worker = ARGV[1]

local released = 0
for position = 2, #ARGV do
  if redis.call('HGET', HOLDERS, ARGV[position]) == worker then
    reopen(ARGV[position])
    released = released + 1
  end
end
return released
