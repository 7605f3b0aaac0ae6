package duckdb

// Passes makes the engine index the labels in at least so many parts.
func (e *Engine) Passes(passes int) { e.choosing.passes = passes }

// WeakenHashes lets keys collide.
func (e *Engine) WeakenHashes() { e.hashing.weak = true }
