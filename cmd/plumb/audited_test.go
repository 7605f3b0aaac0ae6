package main_test

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plumbstore/plumb/audit/auditlog"
)

// audited prints the rows of the finished files of an audit log, column by column: name, then the values of all rows.
func audited(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: audited FOLDER PROJECT")
	}
	paths, err := auditlog.Find(ts.MkAbs(args[0]), args[1], math.MinInt64, math.MaxInt64)
	ts.Check(err)
	for _, path := range paths {
		file, err := auditlog.Open(path)
		ts.Check(err)
		of := file.Header.Selected
		fmt.Fprintf(ts.Stdout(), "%d rows of %s %v under revision %d\n", file.Rows, of.Service, of.References, of.Revision)
		ts.Check(file.Read(context.Background(), func(batch arrow.RecordBatch) error {
			for i, field := range batch.Schema().Fields() {
				fmt.Fprintf(ts.Stdout(), "%s: %s\n", field.Name, batch.Column(i))
			}
			return nil
		}))
		ts.Check(file.Close())
	}
}
