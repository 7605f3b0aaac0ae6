package duckdb

// SetPairsPerRow makes the engine choose its strategy by another bound, so that tests can hold each to the rules.
func (e *Engine) SetPairsPerRow(pairs float64) { e.pairsPerRow = pairs }
