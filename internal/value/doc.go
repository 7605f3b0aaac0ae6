// Package value has the forms that a value of a declared type takes: in Arrow, as text, in messages. Each conversion is
// exact (R9).
package value
