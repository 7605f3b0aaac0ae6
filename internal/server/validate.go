package server

import (
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// validate refuses a message that breaks the rules that the schema states for its fields.
//
// Look-ups are by far the most calls, and their message has one rule: that it selects something. So one that does keeps
// all rules, and protovalidate, which looks at every field of every key column, is asked about the others. A test
// compares both on random messages, and fails if the schema gets a rule that this does not know.
func (s *Server) validate(message proto.Message) error {
	if lookup, ok := message.(*plumbv1.GetOnlineFeaturesRequest); ok && lookup.GetSelection() != nil {
		return nil
	}
	return s.validator.Validate(message)
}
