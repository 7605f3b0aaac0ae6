package cli

import (
	"bufio"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

type onlineFlags struct {
	selection selectionFlags
	keys      []string
	inputs    []string
	keysFile  string
	at        string
	// provenance asks for the provenance of rows in the answer.
	provenance bool
}

// selectionFlags say which features are wanted.
type selectionFlags struct {
	service   string
	features  []string
	fullNames bool
}

func (a *application) addSelectionFlags(cmd *cobra.Command, flags *selectionFlags) {
	cmd.Flags().StringVar(&flags.service, "service", "", "the feature service whose features are wanted")
	cmd.Flags().StringSliceVar(&flags.features, "features", nil,
		"the features wanted: view:feature or view:*, comma separated")
	cmd.Flags().BoolVar(&flags.fullNames, "full-names", false, "name outputs view__feature")
	a.completeServices(cmd, "service")
}

// request checks that the flags name either a service or features.
func (f selectionFlags) request() (dataset.Selection, error) {
	switch {
	case f.service == "" && len(f.features) == 0:
		return dataset.Selection{}, fault.Inputf("", "say what is wanted: --service NAME, or --features view:feature,…")
	case f.service != "" && len(f.features) > 0:
		return dataset.Selection{}, fault.Inputf("", "--service and --features exclude each other; give one of them")
	}
	return dataset.Selection{Service: f.service, Features: f.features, FullNames: f.fullNames}, nil
}

func (f selectionFlags) of(snapshot *feature.Snapshot) (*feature.Selection, error) {
	selection, err := f.request()
	if err != nil {
		return nil, err
	}
	return project.Select(snapshot, selection)
}

func (a *application) onlineCommand() *cobra.Command {
	var flags onlineFlags
	cmd := &cobra.Command{
		Use:   "online (--service S | --features …) --key COLUMN=VALUE…",
		Short: "Look features up in the online store",
		Long: "Online looks features up, straight in the online store. A key that is given several times makes several\n" +
			"rows, and then each key needs as many values; so does each --input, which features of on-demand views\n" +
			"read. --keys reads rows of both from a file: .json, an array of objects; .jsonl, an object a line; .csv,\n" +
			"whose empty cells are null. A null key matches nothing. BYTES are written in base64.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.online(ctx, p, flags)
			})
		},
	}
	a.addSelectionFlags(cmd, &flags.selection)
	cmd.Flags().StringArrayVar(&flags.keys, "key", nil, "one key, as column=value; repeat it for each")
	cmd.Flags().StringArrayVar(&flags.inputs, "input", nil, "one request input, as name=value; repeat it for each")
	cmd.Flags().StringVar(&flags.keysFile, "keys", "", "a file of keys and inputs: .json, .jsonl or .csv")
	cmd.Flags().BoolVar(&flags.provenance, "provenance", false, "tell where the values of each view come from")
	cmd.Flags().StringVar(&flags.at, "at", "now", "the instant that ttl is evaluated at, "+timeForms)
	return cmd
}

// online needs no server. It prepares the look-up as a server does and reads the same store, so it answers what a
// server would answer.
func (a *application) online(ctx context.Context, p *project.Project, flags onlineFlags) error {
	request := lookup.Request{EventTimestamps: true, Now: a.now}
	if flags.at != "now" {
		at, err := a.instant("--at", flags.at)
		if err != nil {
			return err
		}
		request.At, request.Now = at, nil
	}
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	selection, err := flags.selection.of(snapshot)
	if err != nil {
		return err
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		return err
	}
	keys, err := flags.readKeys(prepared.Keys(), prepared.Inputs())
	if err != nil {
		return err
	}
	online, err := p.Online(ctx)
	if err != nil {
		return err
	}
	request.Keys, request.Inputs, request.Provenance = keys.Wire(), keys.WireInputs(), flags.provenance
	reply, err := prepared.Reply(ctx, online, request)
	if err != nil {
		return err
	}
	defer reply.Release()
	if err := a.noteAbsentViews(ctx, p, selection, reply.Seen()); err != nil {
		return err
	}
	if a.output == jsonText {
		return a.writeRows(document.NewRows(keys.Keys, reply))
	}
	message, err := reply.Message()
	if err != nil {
		return err
	}
	out := printable.To(a.Out)
	answer := document.NewAnswer(keys.Keys, message.GetColumns(), reply.Provenance(), reply.Computed())
	return cmp.Or(writeAnswer(out, answer.Rows()), out.Err())
}

// writeRows writes the rows of an answer as one document, row by row: there may be very many.
func (a *application) writeRows(rows *document.Rows) error {
	out := bufio.NewWriter(a.Out)
	text := []byte(`{"rows":[`)
	for i := range rows.Len() {
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = rows.Append(text, i); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		text = text[:0]
	}
	if _, err := out.Write(append(text, "]}\n"...)); err != nil {
		return err
	}
	return out.Flush()
}

// noteAbsentViews notes which views returned nothing because they were not materialized. NOT_FOUND alone does not say
// whether the key is wrong or the view is empty.
func (a *application) noteAbsentViews(ctx context.Context, p *project.Project, selection *feature.Selection,
	seen []lookup.Seen,
) error {
	absent := map[*feature.View]bool{}
	for i, use := range seen[:len(selection.References)] {
		view, nothing := selection.References[i].View, true
		for status, count := range use.Values {
			nothing = nothing && (count == 0 || plumbv1.Status(status) == plumbv1.Status_NOT_FOUND)
		}
		earlier, known := absent[view]
		absent[view] = nothing && (earlier || !known)
	}
	maps.DeleteFunc(absent, func(_ *feature.View, nothing bool) bool { return !nothing })
	if len(absent) == 0 {
		return nil
	}
	views := slices.SortedFunc(maps.Keys(absent), func(a, b *feature.View) int { return strings.Compare(a.Name, b.Name) })
	statuses, err := p.StatusOf(ctx, views)
	if err != nil {
		return err
	}
	for i := range statuses {
		switch status := newViewStatus(statuses[i].Message(a.now())); statuses[i].State {
		case project.NeverMaterialized, project.NotMaterialized:
			a.note("view %s has never been materialized; run plumb materialize", status.View)
		case project.SetAside, project.Removed, project.LostRows, project.LostRuns:
			a.note("view %s has no rows: %s", status.View, status.words())
		case project.NotOnline:
			a.note("view %s has online: false and is never materialized", status.View)
		}
	}
	return nil
}

// readKeys reads the keys and inputs from --key and --input, or from --keys.
func (f onlineFlags) readKeys(fields, inputs []feature.Field) (*keyColumns, error) {
	if f.keysFile != "" {
		if len(f.keys)+len(f.inputs) > 0 {
			return nil, fault.Inputf("", "--keys excludes --key and --input; give all columns in the file, or none")
		}
		keys := newKeyColumns("--keys", fields, inputs)
		return keys, keys.addFile(f.keysFile)
	}
	keys := newKeyColumns("--key", fields, inputs)
	for _, pair := range f.keys {
		if err := keys.addFlag("--key", pair); err != nil {
			return nil, err
		}
	}
	for _, pair := range f.inputs {
		if err := keys.addFlag("--input", pair); err != nil {
			return nil, err
		}
	}
	return keys, keys.check()
}

// writeAnswer prints a table for each row of keys, and one of their provenance if that was asked for.
func writeAnswer(w *printable.Writer, rows []document.Row) error {
	for i, row := range rows {
		var keys []string
		for _, key := range row.Keys {
			keys = append(keys, key.Name+"="+cell(key.Value))
		}
		if row.Inputs != nil {
			for _, input := range *row.Inputs {
				keys = append(keys, input.Name+"="+cell(input.Value))
			}
		}
		if i > 0 {
			w.Printf("\n")
		}
		if len(keys) > 0 {
			w.Printf("%s\n", strings.Join(keys, " "))
		}
		if err := w.Table(valueLines(row)); err != nil {
			return err
		}
		if row.Provenance != nil {
			if err := w.Table(provenanceLines(*row.Provenance)); err != nil {
				return err
			}
		}
		for _, line := range extentLines(row) {
			w.Printf("%s\n", line)
		}
	}
	return nil
}

func valueLines(row document.Row) [][]string {
	lines := [][]string{{"FEATURE", "VALUE", "STATUS", "EVENT TIME"}}
	for _, f := range row.Features {
		answer := f.Value.(document.TimedFeature)
		lines = append(lines, []string{f.Name, cell(answer.Value), answer.Status, orNone(answer.EventTimestamp)})
	}
	return lines
}

func orNone(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}
