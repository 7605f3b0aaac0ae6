-- Removes a string if it has a value, and returns how many it removed. KEYS: the string. ARGV: the value.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('UNLINK', KEYS[1])
end
return 0
