-- Stores each value under its key unless a newer row is there (R14), and returns how many it stored. KEYS: of the
-- rows, some perhaps more than once. ARGV: milliseconds until a row may be forgotten, or 0 for never; the clock, as the
-- event time of a row has it; then the values, one for each key.
--
-- Calls of commands are what takes the time here, so only the beginnings of stored rows are read, one by one, and all
-- that is to be stored goes into one MSET where it does not expire. A stored row is read whole only where it, or the
-- one to write, lies ahead of the clock: then the rows that it hides until its time are kept with it (R15).

local call, sub, unpack_numbers = redis.call, string.sub, struct.unpack
-- The version of a row is the first 16 bytes of its value; where it is equal the schema id counts, 4 bytes from 17.
-- They are compared as numbers: comparing strings with < would go by the collation of the server's locale.
local beginning, layout = 21, '>I4I4I4I4xI4'
local now1, now2 = unpack_numbers('>I4I4', ARGV[2])

local function is_older(value, stored)
  local a1, a2, a3, a4, a5 = unpack_numbers(layout, value)
  local b1, b2, b3, b4, b5 = unpack_numbers(layout, stored)
  if a1 ~= b1 then
    return a1 < b1
  elseif a2 ~= b2 then
    return a2 < b2
  elseif a3 ~= b3 then
    return a3 < b3
  elseif a4 ~= b4 then
    return a4 < b4
  end
  return a5 < b5
end

local function is_ahead(value)
  local a1, a2 = unpack_numbers('>I4I4', value)
  return a1 > now1 or a1 == now1 and a2 > now2
end

-- What follows is for rows that lie ahead; store.Merge is the same, and says why.
local ahead_format, most_rows = 3, 16

local function rows_of(value)
  if string.byte(value, 17) ~= ahead_format then
    return { value }
  end
  local rows, at = {}, beginning + 5
  while at + 3 <= #value do
    local length = unpack_numbers('>I4', value, at)
    rows[#rows + 1] = sub(value, at + 4, at + 3 + length)
    at = at + 4 + length
  end
  return rows
end

-- The value to store; nil where the stored one stays.
local function merge(stored, value)
  local rows, at = rows_of(stored), 1
  while rows[at] and is_older(value, rows[at]) do
    if sub(value, 1, 16) == sub(rows[at], 1, 16) then
      return nil
    end
    at = at + 1
  end
  if rows[at] and sub(value, 1, 16) == sub(rows[at], 1, 16) then
    rows[at] = value
  else
    table.insert(rows, at, value)
  end
  local last = 1
  while last < #rows and is_ahead(rows[last]) do
    last = last + 1
  end
  if at > last then
    return nil
  end
  while #rows > last do
    table.remove(rows)
  end
  while #rows > most_rows do
    table.remove(rows, 2)
  end
  if #rows == 1 then
    return value
  end
  local parts = {}
  for _, row in ipairs(rows) do
    parts[#parts + 1] = struct.pack('>I4', #row)
    parts[#parts + 1] = row
  end
  local all = table.concat(parts)
  return sub(rows[1], 1, 16) .. string.char(ahead_format) .. sub(rows[1], 18, 21) .. struct.pack('>I4', #all) .. all
end

-- The milliseconds until a row may be forgotten, less than 0 for never; nil where the user may not ask.
local function time_left(key)
  local left = redis.pcall('PTTL', key)
  return type(left) == 'number' and left or nil
end

-- pairs_to_set has keys and values by turns, and value_at tells where in it the value of a key is. kept_until has the
-- keys whose stored row lives on, and with it the time until which it does.
local pairs_to_set, value_at, kept_until, size, written = {}, {}, {}, 0, 0
local expires = ARGV[1] ~= '0'
for i, key in ipairs(KEYS) do
  local value, at = ARGV[i + 2], value_at[key]
  local stored = at and pairs_to_set[at] or call('GETRANGE', key, '0', '20')
  local chosen = value
  if #stored >= beginning then
    local older = is_older(value, stored)
    if older and is_ahead(stored) or not older and is_ahead(value) then
      chosen = merge(at and stored or call('GET', key), value)
      if chosen and older and expires and not at then
        kept_until[key] = time_left(key)
      end
    elseif older then
      chosen = nil
    elseif expires and not at and sub(value, 1, 16) == sub(stored, 1, 16) then
      -- The same row again, perhaps by a run that knows a shorter ttl: it stays for as long as it was to stay.
      local left = time_left(key)
      if left and (left < 0 or left > tonumber(ARGV[1])) then
        kept_until[key] = left
      end
    end
  end
  if chosen then
    if not at then
      pairs_to_set[size + 1] = key
      size = size + 2
      at = size
      value_at[key] = at
    end
    pairs_to_set[at] = chosen
    written = written + 1
  end
end

if expires then
  for i = 1, size, 2 do
    local left = kept_until[pairs_to_set[i]]
    if not left then
      call('SET', pairs_to_set[i], pairs_to_set[i + 1], 'PX', ARGV[1])
    elseif left < 0 then
      call('SET', pairs_to_set[i], pairs_to_set[i + 1])
    else
      call('SET', pairs_to_set[i], pairs_to_set[i + 1], 'PX', math.max(left, 1))
    end
  end
elseif size > 0 then
  -- Also takes away the expiry that an earlier write set.
  call('MSET', unpack(pairs_to_set))
end
return written
