package storetest

import "testing"

// TestReferenceFollowsTheCases holds the slow reference to every case that people wrote: R1 to R12.
func TestReferenceFollowsTheCases(t *testing.T) {
	for _, c := range readAllCases(t, t.TempDir()) {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.verify(); err != nil {
				t.Error(err)
			}
			if len(c.Joins)+len(c.Windows) == 0 {
				t.Error("the case asks nothing")
			}
		})
	}
}
