package server

import (
	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/lookup"
)

// record offers those rows of a reply to the audit log that are to be logged. It never waits, and keeps nothing of the
// reply's own. The bytes are copied, since the reply's memory serves the next reply once it is sent.
func (s *Server) record(prepared *lookupPlan, asked lookup.Request, servedAt feature.Instant, reply *lookup.Reply,
) error {
	audit := s.config.Audit
	if audit == nil {
		return nil
	}
	if prepared.logged == nil {
		audit.Withhold(reply.Rows())
		return nil
	}
	rows := audit.Sample(prepared.logged, asked.Keys, reply.Rows())
	if rows == nil {
		return nil
	}
	wire, err := reply.WithReads()
	if err != nil {
		return err
	}
	audit.Offer(&auditlog.Entry{
		Layout: prepared.logged, ServedAt: servedAt, At: reply.At(), Keys: asked.Keys, Inputs: asked.Inputs,
		Stored: reply.Stored(), Rows: rows, Count: reply.Rows(),
	}, wire)
	return nil
}
