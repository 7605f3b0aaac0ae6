package push

import (
	"context"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// File decodes a .parquet or .csv file as the offline engine reads it, with the conversions that it has for sources.
// Rows with a value that does not fit are refused. So a file means the same whether it is pushed or is a source of the
// view.
type File struct {
	Engine offline.RowReader
	Path   string
}

// Decode implements Decoder.
func (f File) Decode(ctx context.Context, view *feature.View, yield func(Rows) error) error {
	return f.Engine.ReadRows(ctx, view, f.Path, func(read offline.FileRows) error {
		rows := Rows{Keys: read.Keys, Event: read.Event, Created: read.Created, Features: read.Features,
			EventName: view.Source.EventTimestamp, CreatedName: view.Source.CreatedTimestamp}
		for _, misfit := range read.Misfits {
			rows.Refused = append(rows.Refused, Refusal{
				Row: int64(misfit.Row), Field: misfit.Column, Reason: misfit.Reason,
			})
		}
		return yield(rows)
	})
}
