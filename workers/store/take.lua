-- Use up some of an allowance that refills steadily, a minute's worth at most. Redis keeps one number of it: when it
-- will be whole again.
-- KEYS: rate.  ARGV: how many, how many a minute are allowed
-- Returns how many seconds too early it is (0: it was in time, and they are used up), and in how many seconds the
-- allowance will be whole again.
local amount, per_minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local WINDOW = 60
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local whole_in = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, 0)
local then_in = whole_in + amount * WINDOW / per_minute
local wait = math.max(then_in - WINDOW, 0)
if wait == 0 then
  whole_in = then_in
  redis.call('SET', KEYS[1], string.format('%.6f', now + whole_in), 'PX', string.format('%d', whole_in * 1000 + 1))
end
return {string.format('%.6f', wait), string.format('%.6f', whole_in)}
