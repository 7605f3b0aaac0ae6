package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxJudged bounds the JWTs that are remembered; each takes less than 300 bytes.
	maxJudged = 4096
	// judgedFor bounds for how long a JWT is remembered, so that a key which its issuer withdraws is soon of no use.
	judgedFor = 5 * time.Minute
)

// judged remembers JWTs that were found to be right, by their hashes, so that the calls of a client verify a signature
// once and not each time.
type judged struct {
	mu      sync.RWMutex
	callers map[[sha256.Size]byte]judgement
}

type judgement struct {
	caller Identity
	until  time.Time
}

func newJudged() *judged { return &judged{callers: map[[sha256.Size]byte]judgement{}} }

func (j *judged) find(hash [sha256.Size]byte, now time.Time) (Identity, bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	found, ok := j.callers[hash]
	return found.caller, ok && now.Before(found.until)
}

func (j *judged) keep(hash [sha256.Size]byte, caller Identity, now, expiry time.Time) {
	until := now.Add(judgedFor)
	if expiry.Before(until) {
		until = expiry
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.callers) >= maxJudged {
		j.makeRoom(now)
	}
	j.callers[hash] = judgement{caller, until}
}

// makeRoom forgets what has ended, or else everything: a caller that is forgotten is judged again at its next call.
func (j *judged) makeRoom(now time.Time) {
	for hash, each := range j.callers {
		if !now.Before(each.until) {
			delete(j.callers, hash)
		}
	}
	if len(j.callers) >= maxJudged {
		clear(j.callers)
	}
}
