-- Makes sure that a directory has a table, and returns what it has for the table's field, then what it has for the
-- project. KEYS: the directory. ARGV: the table's field; its name.
local project = redis.call('HGET', KEYS[1], '*') or ''
local said = redis.call('HGET', KEYS[1], ARGV[1])
if not said then
  said = (project == '2' and '2' or '1') .. ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], said)
end
return { said, project }
