-- Count an engine's death against the item that it was busy with.
-- KEYS: job.  ARGV: index
-- Returns how many engines have died over it; 0 if the job is gone or has ended.
if not is_unfinished() then
  return 0
end
count(1, 'engine_deaths')
return redis.call('HINCRBY', DEATHS, ARGV[1], 1)
