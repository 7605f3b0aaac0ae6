package redis

import "time"

// SlotOf is slotOf.
var SlotOf = slotOf

// Circuit is a circuit.
type Circuit = circuit

// NewCircuit makes a circuit with the usual patience.
func NewCircuit(now func() time.Time) *Circuit { return &circuit{now: now, patience: patience} }
