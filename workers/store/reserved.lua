-- How long a worker's reservations last from now on. They may be over already: then they stay so.
-- KEYS: reservations.  ARGV: worker, seconds (0: they end)
-- Returns nothing.
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, string.format('%d', ARGV[2] * 1000))
  end
end
