package duckdb

// Passes makes the engine index the labels in at least the given number of parts.
func (e *Engine) Passes(passes int) { e.choosing.passes = passes }

// WeakenHashes lets keys collide.
func (e *Engine) WeakenHashes() { e.hashing.weak = true }

// NeverKeeps makes the engine read features once the winners are known.
func (e *Engine) NeverKeeps() { e.choosing.neverKeeps = true }
