-- Fail open items of a job that no release alive can score, once that has been so for long enough.
-- KEYS: job, then unserved
-- ARGV: for how many seconds, how many items at most, the outcome that they have then, its code, retention, and for how
-- many seconds it is remembered what was noticed
-- Returns how many have failed; nothing if the job was noticed just now.
local UNSERVED = KEYS[OWN]
local seconds, most, outcome, code, retention = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local remembered = tonumber(ARGV[6])

if not is_unfinished() then
  return 0
end
local id = redis.call('HGET', JOB, 'id')
local since = redis.call('ZSCORE', UNSERVED, id)
if not since then
  redis.call('ZADD', UNSERVED, stamp(now()), id)
end
redis.call('EXPIRE', UNSERVED, remembered)
if not since then
  return false
end
if now() < tonumber(since) + seconds then
  return 0
end
-- Whoever held these was of a release that is gone. One that works still keeps what it has in hand.
for _, index in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', stamp(now()))) do
  reopen(index)
end
local left = redis.call('ZRANGE', OPEN, 0, most - 1)
for _, index in ipairs(left) do
  conclude(index, 'failed', outcome, code, retention)
end
return #left
