-- What is counted for the metrics, in the same step as what it counts. All numbers are in one hash, FIGURES, and
-- only ever grow; `figures.lua` reads them, and docs/metrics.md says what they mean.
local FIGURES = KEYS[1]

-- Upper bounds in seconds. A number above the last one is in the sum and the count alone.
local BUCKETS = {'0.01', '0.03', '0.1', '0.3', '1', '3', '10', '30', '100', '300', '900', '1800'}

-- Add to a counter: its name, then the values of its labels.
local function count(amount, ...)
  if amount > 0 then
    redis.call('HINCRBY', FIGURES, table.concat({...}, '|'), amount)
  end
end

-- Add that many observations of the same number of seconds to a histogram.
local function observe(amount, name, seconds)
  if amount < 1 then
    return
  end
  local bucket = 'inf'
  for _, bound in ipairs(BUCKETS) do
    if seconds <= tonumber(bound) then
      bucket = bound
      break
    end
  end
  redis.call('HINCRBY', FIGURES, name .. '|' .. bucket, amount)
  redis.call('HINCRBYFLOAT', FIGURES, name .. '|sum', string.format('%.6f', amount * seconds))
end
