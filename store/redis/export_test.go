package redis

import (
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
)

// SlotOf is slotOf.
var SlotOf = slotOf

// Circuit is a circuit.
type Circuit = circuit

// NewCircuit makes a circuit with the usual patience.
func NewCircuit(now func() time.Time) *Circuit { return &circuit{now: now, patience: patience} }

// FieldOf is the field of a table.
func FieldOf(table online.Table) string { return fieldOf(nameOf(table)) }

// OlderKey is the key of a row in layout 1.
func OlderKey(table online.Table, entity string) string {
	name := nameOf(table)
	return olderKey(&tableEntry{project: table.Project, name: name}, []byte(entity))
}

// AddHook adds a hook to the client of a store.
func AddHook(s *Store, hook goredis.Hook) { s.client.AddHook(hook) }
