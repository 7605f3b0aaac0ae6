package server_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// The memory of a reply serves another one as soon as it is sent, while others are still on their way.
func TestRepliesThatAreSentSideBySideKeepTheirValues(t *testing.T) {
	r := startShops(t)
	const shops, callers, calls = 300, 8, 50
	names := make([]string, shops)
	var stored []storetest.SourceRow
	for i := range names {
		names[i] = fmt.Sprint("shop ", i)
		stored = append(stored, row(ago(0), []any{names[i]}, float64(i), fmt.Sprint("note ", i)))
	}
	r.write(r.view("price"), stored...)
	var group errgroup.Group
	for caller := range callers {
		group.Go(func() error {
			for call := range calls {
				from := (caller*calls + call) % (shops - 1)
				asked := names[from:min(shops, from+1+call*caller)]
				request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", asked...)}, "price:euros")
				response, err := r.client.GetOnlineFeatures(t.Context(), request)
				if err != nil {
					return err
				}
				euros := response.GetColumns()[0].GetValues().GetFloat64S().GetValues()
				if len(euros) != len(asked) {
					return fmt.Errorf("%d values for %d shops", len(euros), len(asked))
				}
				for i, value := range euros {
					if value != float64(from+i) {
						return fmt.Errorf("%q has %v", asked[i], value)
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
