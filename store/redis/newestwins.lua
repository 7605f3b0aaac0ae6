-- Stores each row in the hash of its entity unless a newer row is there (R14), and returns how many it stored. KEYS: the
-- hashes, some perhaps more than once. ARGV: milliseconds until a row may be forgotten, or 0 for never; the clock, as
-- the event time of a row has it; the table's field; then the rows, one for each key.
--
-- If the server can expire fields, each row has an expiry of its own. Otherwise the hash has one, which is never
-- shortened, and which a row without an expiry removes: the hash lives as long as the row that lives longest.

local call, byte, sub, unpack_numbers = redis.call, string.byte, string.sub, struct.unpack
local life, field = tonumber(ARGV[1]), ARGV[3]
local now1, now2 = unpack_numbers('>I4I4', ARGV[2])

-- How many bytes a row begins with that decide whether it replaces another: its event time, created time and schema id;
-- packed/header.go says how. The second result is without the schema id. They are nil for what is too short.
local function precedence_size(value)
  local created = byte(value, 9)
  if not created then
    return nil
  end
  local version = created == 0 and 9 or 9 + math.abs(created - 9)
  local schema = byte(value, version + 1)
  if not schema then
    return nil
  end
  local size = version + 1 + math.max(schema - 247, 0)
  if size > #value then
    return nil
  end
  return size, version
end

-- Bytes are compared as numbers: comparing strings with < would go by the collation of the server's locale.
local function is_older(value, stored)
  local a1, a2 = unpack_numbers('>I4I4', value)
  local b1, b2 = unpack_numbers('>I4I4', stored)
  if a1 ~= b1 then
    return a1 < b1
  elseif a2 ~= b2 then
    return a2 < b2
  end
  for i = 9, precedence_size(value) do
    local a, b = byte(value, i), byte(stored, i)
    if a ~= b then
      return b ~= nil and a < b
    end
  end
  return false
end

local function same_version(a, b)
  local _, size = precedence_size(a)
  local _, other = precedence_size(b)
  return size == other and sub(a, 1, size) == sub(b, 1, other)
end

local function is_ahead(value)
  local a1, a2 = unpack_numbers('>I4I4', value)
  return a1 > now1 or a1 == now1 and a2 > now2
end

-- What follows is for rows that lie ahead; packed.Merge is the same, and says why.
local is_several, most_rows = 32, 16

-- A number at a position, and the position after it; nil if the value ends before the number does.
local function number_at(value, at)
  local first = byte(value, at)
  if not first or first <= 247 then
    return first, at + 1
  end
  local n, after = 0, at + 1 + first - 247
  if after > #value + 1 then
    return nil
  end
  for i = at + 1, after - 1 do
    n = n * 256 + byte(value, i)
  end
  return n, after
end

local function number(n)
  if n <= 247 then
    return string.char(n)
  end
  local bytes = ''
  while n > 0 do
    bytes = string.char(n % 256) .. bytes
    n = math.floor(n / 256)
  end
  return string.char(247 + #bytes) .. bytes
end

-- The rows of a value; none of one that is damaged, which any row replaces.
local function rows_of(value)
  local size = precedence_size(value)
  if byte(value, size + 1) ~= is_several then
    return { value }
  end
  local rows, count, at, length = {}, number_at(value, size + 2)
  for i = 1, count or 0 do
    length, at = number_at(value, at)
    if not length or at + length - 1 > #value then
      return {}
    end
    rows[i] = sub(value, at, at + length - 1)
    at = at + length
    if not precedence_size(rows[i]) then
      return {}
    end
  end
  return rows
end

-- The value to store; nil if the stored one stays.
local function merge(stored, value)
  local rows, at = rows_of(stored), 1
  while rows[at] and is_older(value, rows[at]) do
    if same_version(value, rows[at]) then
      return nil
    end
    at = at + 1
  end
  if rows[at] and same_version(value, rows[at]) then
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
  local parts = { sub(rows[1], 1, (precedence_size(rows[1]))), string.char(is_several), number(#rows) }
  for _, row in ipairs(rows) do
    parts[#parts + 1] = number(#row)
    parts[#parts + 1] = row
  end
  return table.concat(parts)
end

-- Whether fields expire by themselves is found out once: a server that does not know the command says so.
local fields_expire = false
if life > 0 and KEYS[1] then
  local reply = redis.pcall('HPTTL', KEYS[1], 'FIELDS', '1', field)
  fields_expire = type(reply) == 'table' and not reply.err
end

-- The milliseconds until a field may be forgotten, less than 0 for never or no field.
local function field_life(key)
  local reply = call('HPTTL', key, 'FIELDS', '1', field)
  return type(reply) == 'table' and reply[1] or -1
end

-- Makes a hash live for long enough. existed says that the row replaces one, so that the hash was there before.
local greater = true
local function prolong(key, existed, left)
  if existed and greater then
    -- A hash without an expiry keeps none. Servers before 7.0 do not know the option.
    local reply = redis.pcall('PEXPIRE', key, ARGV[1], 'GT')
    if type(reply) == 'number' then
      return
    end
    greater = false
  end
  left = left or call('PTTL', key)
  if left == -2 or left >= 0 and left < life then
    call('PEXPIRE', key, ARGV[1])
  end
end

-- Stores a row in the place of another. keeps says that what is there lives on, so that its expiry must not be shortened.
local function replace(key, value, keeps)
  local left = fields_expire and keeps and field_life(key) or 0
  call('HSET', key, field, value)
  if life == 0 or fields_expire then
    call('PERSIST', key)
  else
    prolong(key, true)
  end
  if fields_expire and left >= 0 then
    call('HPEXPIRE', key, string.format('%.0f', math.max(left, life)), 'FIELDS', '1', field)
  end
end

-- Stores a row unless there is one, and returns whether it did.
local function add(key, value)
  local left = life > 0 and not fields_expire and call('PTTL', key) or 0
  if call('HSETNX', key, field, value) == 0 then
    return false
  end
  if life == 0 or fields_expire then
    call('PERSIST', key)
  else
    prolong(key, false, left)
  end
  if fields_expire then
    call('HPEXPIRE', key, ARGV[1], 'FIELDS', '1', field)
  end
  return true
end

-- What to store in place of a stored row; nil if that stays. The second result says that what is stored lives on, so that
-- its expiry must not be shortened.
local function choose(stored, value)
  if not precedence_size(stored) then
    return value, false
  end
  local older = is_older(value, stored)
  if older and is_ahead(stored) or not older and is_ahead(value) then
    return merge(stored, value), true
  elseif older then
    return nil
  end
  -- The same row again, perhaps by a run that knows a shorter ttl, stays for as long as it was to stay.
  return value, same_version(value, stored)
end

-- Most of the time goes into calling commands. If the last row was new, the next one probably is too, and adding it
-- without reading the stored row first saves a call.
local written, likely_new = 0, true
for i, key in ipairs(KEYS) do
  local value = ARGV[i + 3]
  if likely_new and add(key, value) then
    written = written + 1
  else
    local stored = call('HGET', key, field)
    likely_new = not stored
    if stored then
      local chosen, keeps = choose(stored, value)
      if chosen then
        replace(key, chosen, keeps)
        written = written + 1
      end
    else
      add(key, value)
      written = written + 1
    end
  end
end
return written
