// Package lookup answers which values the features of some entities have (R13).
//
// A look-up has three steps. It finds the stored row of each view for each entity, by one read of the online store; it
// takes the columns of the answer from these rows, each value with its status; and it writes the columns, as a message
// or as JSON. A value exists before it is encoded, so another format is another last step.
package lookup
