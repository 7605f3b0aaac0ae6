-- Stores each value under its key unless a newer row is there (R14), and returns how many it stored. KEYS: of the
-- rows. ARGV: milliseconds until a row may be forgotten, or 0 for never; then the values, one for each key.
--
-- The version of a row is the first 16 bytes of its value. They are compared as numbers, byte by byte: comparing
-- strings with < would go by the collation of the server's locale.

local function is_older(value, stored)
  for i = 1, 16 do
    local a, b = string.byte(value, i), string.byte(stored, i)
    if a ~= b then
      return a < b
    end
  end
  return false
end

local retention = tonumber(ARGV[1])
local written = 0
for i, key in ipairs(KEYS) do
  local value = ARGV[i + 1]
  local stored = redis.call('GETRANGE', key, 0, 15)
  if #stored < 16 or not is_older(value, stored) then
    if retention > 0 then
      redis.call('SET', key, value, 'PX', ARGV[1])
    else
      -- Also takes away the expiry that an earlier write set.
      redis.call('SET', key, value)
    end
    written = written + 1
  end
end
return written
