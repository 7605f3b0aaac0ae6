package redis

import "github.com/redis/go-redis/v9/logging"

// The driver prints failed dials to stderr of its own accord. What matters of them is in the errors that it returns.
func init() { logging.Disable() }
