package casts

import (
	"errors"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// OfColumn is the cast of a source's column to the declared type of a feature.
func OfColumn(column feature.Column, declared plumbv1.Type) (*Cast, error) {
	return bring(column, declared, To)
}

// OfKey is the cast of a source's column to the declared type of a join key. Every file has to have it.
func OfKey(column feature.Column, declared plumbv1.Type) (*Cast, error) {
	c, err := bring(column, declared, ToKey)
	if err == nil {
		err = keyInEveryFile(column)
	}
	return c, err
}

// OfTime is the cast of a source's column to microseconds.
func OfTime(column feature.Column) (*Cast, error) {
	if column.Unreadable != "" {
		return nil, errors.New(column.Unreadable)
	}
	return ToMicroseconds(column.Type)
}

func bring(column feature.Column, declared plumbv1.Type,
	find func(string, plumbv1.Type) (*Cast, error),
) (*Cast, error) {
	if column.Unreadable != "" {
		return nil, errors.New(column.Unreadable)
	}
	return find(column.Type, declared)
}

// CanBecome returns an error that says why a source's column cannot be declared to be of a type, also by the texts that
// it is known to have.
func CanBecome(column feature.Column, declared plumbv1.Type, joinKey bool) error {
	find := To
	if joinKey {
		find = ToKey
	}
	_, err := bring(column, declared, find)
	if err == nil {
		err = partitionsFit(column, declared, joinKey)
	}
	if err == nil && joinKey {
		err = keyInEveryFile(column)
	}
	return err
}

// CanBeTime is canBecome for the columns with event times and created times.
func CanBeTime(column feature.Column) error {
	if _, err := OfTime(column); err != nil {
		return err
	}
	return partitionsFit(column, plumbv1.Type_TIMESTAMP, false)
}

// keyInEveryFile refuses a join key that a file lacks: its rows could never be served (R8). A feature that a file lacks
// is null there, which is a value (R7).
func keyInEveryFile(column feature.Column) error {
	if column.AbsentFrom == "" {
		return nil
	}
	return fmt.Errorf("%s has no column %q, a join key; add it there, or leave the file out of the source",
		column.AbsentFrom, column.Name)
}
