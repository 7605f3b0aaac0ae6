-- Stores each value under its key unless a newer row is there (R14), and returns how many it stored. KEYS: of the
-- rows, some perhaps more than once. ARGV: milliseconds until a row may be forgotten, or 0 for never; then the values,
-- one for each key.
--
-- Calls of commands are what takes the time here, so only the versions of stored rows are read, one by one, and all
-- that is to be stored goes into one MSET where it does not expire.

-- The version of a row is the first 16 bytes of its value. They are compared as four numbers: comparing strings with <
-- would go by the collation of the server's locale.
local version, layout = struct.unpack, '>I4I4I4I4'

local function is_older(value, stored)
  local a1, a2, a3, a4 = version(layout, value)
  local b1, b2, b3, b4 = version(layout, stored)
  if a1 ~= b1 then
    return a1 < b1
  elseif a2 ~= b2 then
    return a2 < b2
  elseif a3 ~= b3 then
    return a3 < b3
  end
  return a4 < b4
end

local call = redis.call
-- pairs_to_set has keys and values by turns, and value_at tells where in it the value of a key is.
local pairs_to_set, value_at, size, written = {}, {}, 0, 0
for i, key in ipairs(KEYS) do
  local value, at = ARGV[i + 1], value_at[key]
  local stored = at and pairs_to_set[at] or call('GETRANGE', key, '0', '15')
  if #stored < 16 or not is_older(value, stored) then
    if not at then
      pairs_to_set[size + 1] = key
      size = size + 2
      at = size
      value_at[key] = at
    end
    pairs_to_set[at] = value
    written = written + 1
  end
end

if ARGV[1] ~= '0' then
  for i = 1, size, 2 do
    call('SET', pairs_to_set[i], pairs_to_set[i + 1], 'PX', ARGV[1])
  end
elseif size > 0 then
  -- Also takes away the expiry that an earlier write set.
  call('MSET', unpack(pairs_to_set))
end
return written
