package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/store/offline"
)

// Names in the folder of a training set in several files. Readers of folders leave out names that begin with an
// underscore.
const (
	// FolderManifest is the folder's manifest, which is there once all files are.
	FolderManifest = "_plumb" + Suffix
	// FolderDivision is its Division.
	FolderDivision = "_plumb.division"
)

// MostParts bounds the number of files of a training set.
const MostParts = 99_999

// PartName is the name of a file, counted from 0, of a training set in several. Their bytewise order is that of the
// instants of their label rows.
func PartName(number, of int) string { return fmt.Sprintf("part-%05d-of-%05d.parquet", number, of) }

// Part is one file of a training set in several.
type Part struct {
	// Name is the file's, within the folder.
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Until is the last instant of its label rows, in microseconds; the one of the part before it if it has none. Its
	// label rows are those with an instant after that of the part before it.
	Until int64 `json:"until"`
	// Digest is that of the content.
	Digest string `json:"digest,omitempty"`
}

// Shard says which file a manifest is within.
type Shard struct {
	// Number counts from 0.
	Number int `json:"number"`
	// Division is the ID of the Division.
	Division string `json:"division"`
}

// divisionFormat is the format of divisions that this version writes and reads.
const divisionFormat = 1

// Division is how the making of a training set is divided into files. It is written to the folder before them, and not
// changed: each file is made by it, in whichever process, so that all of them are made of the same.
//
// Each file's manifest has, besides what it holds, the digests of a share of the sources' files: so they are read once
// by all processes together. The manifest of the folder is put together of theirs, and no rows are read for it.
type Division struct {
	Format int `json:"format"`
	// Begun is the manifest as far as it is known before the join: without Sources and Output.
	Begun Manifest `json:"manifest"`
	// LabelsAt is the absolute path of label rows outside of the project.
	LabelsAt string `json:"labels_at,omitempty"`
	// Parts have no digest yet.
	Parts []Part `json:"parts"`
	// Inputs are those of the sources.
	Inputs []feature.Input `json:"inputs"`
}

// Divide is the division of a training set, given the manifest as far as it is known before the join.
func Divide(begun *Manifest, shards []offline.LabelShard) *Division {
	d := &Division{Format: divisionFormat, Begun: *begun, LabelsAt: begun.Labels.At, Inputs: shards[0].Inputs}
	d.Begun.Format = Format
	for i, shard := range shards {
		d.Parts = append(d.Parts, Part{Name: PartName(i, len(shards)), Rows: shard.Rows, Until: int64(shard.Window.End)})
	}
	return d
}

// ParseDivision reads a division.
func ParseDivision(text []byte) (*Division, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil || version.Format < 1 {
		return nil, errors.New("it is damaged")
	}
	if version.Format > divisionFormat {
		return nil, fmt.Errorf("its format %d is %w", version.Format, fault.ErrNewer)
	}
	d := &Division{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil || len(d.Parts) == 0 || len(d.Parts) > MostParts {
		return nil, errors.New("it is damaged")
	}
	d.Begun.Labels.At = d.LabelsAt
	return d, nil
}

// Marshal writes it.
func (d *Division) Marshal() ([]byte, error) { return json.Marshal(d) }

// ID is the same for divisions by which the same files are made.
func (d *Division) ID() (string, error) {
	begun, err := d.Begun.MarshalWithin()
	if err != nil {
		return "", err
	}
	whole := sha256.New()
	fmt.Fprintf(whole, "%s\n", begun)
	for _, part := range d.Parts {
		fmt.Fprintf(whole, "%d %d\n", part.Rows, part.Until)
	}
	for _, input := range d.Inputs {
		fmt.Fprintf(whole, "%q %q %q\n", input.Source, input.Name, input.Version.ID())
	}
	return named(whole.Sum(nil)), nil
}

// Shard is what the engine joins for a part.
func (d *Division) Shard(number int) *offline.LabelShard {
	shard := &offline.LabelShard{Window: offline.Window{End: feature.Instant(d.Parts[number].Until)},
		Rows: d.Parts[number].Rows, Inputs: d.Inputs}
	if number > 0 {
		start := feature.Instant(d.Parts[number-1].Until)
		shard.Window.Start = &start
	}
	return shard
}

// Share is the inputs whose digests are in the manifest of a part.
func Share(inputs []feature.Input, number, parts int) []feature.Input {
	var share []feature.Input
	for at := number; at < len(inputs); at += parts {
		share = append(share, inputs[at])
	}
	return share
}

// Asks says what another request asks for that this division is not of; empty if it is of it. begun is the manifest of
// that as far as it is known.
func (d *Division) Asks(begun *Manifest, parts int) string {
	var others []string
	was, now := d.Begun.Options.texts(), begun.Options.texts()
	was["project"], now["project"] = d.Begun.Project, begun.Project
	was["features"], now["features"] = d.Begun.Selection.String(), begun.Selection.String()
	was["labels"], now["labels"] = d.Begun.Labels.content(), begun.Labels.content()
	for _, view := range begun.Views {
		now["definition of "+view.Name] = view.Hash
	}
	for _, view := range d.Begun.Views {
		was["definition of "+view.Name] = view.Hash
	}
	was["shards"], now["shards"] = fmt.Sprint(len(d.Parts)), fmt.Sprint(parts)
	for name, text := range now {
		if was[name] != text {
			others = append(others, fmt.Sprintf("%s: %s in the place of %s", name, text, was[name]))
		}
	}
	slices.Sort(others)
	return printable.Text(strings.Join(others, "; "))
}

// Begin is the manifest of a part to which the output is missing, and Sources.
func (d *Division) Begin(number int) (*Manifest, error) {
	id, err := d.ID()
	m := d.Begun
	m.Uses = slices.Clone(m.Uses)
	m.Shard = &Shard{Number: number, Division: id}
	return &m, err
}

// IsPart says whether a manifest is that of a part of this division.
func (d *Division) IsPart(number int, m *Manifest) (bool, error) {
	id, err := d.ID()
	return m != nil && m.Shard != nil && *m.Shard == Shard{Number: number, Division: id} &&
		m.Output.Rows == d.Parts[number].Rows && len(m.Sources) == len(Share(d.Inputs, number, len(d.Parts))), err
}

// Whole is the manifest of the folder, given those of all of its parts in their order.
func (d *Division) Whole(parts []*Manifest) (*Manifest, error) {
	m := d.Begun
	m.Uses = slices.Clone(m.Uses)
	m.Parts = slices.Clone(d.Parts)
	sources := make([]SourceFile, len(d.Inputs))
	outputs := make([]Output, len(parts))
	for i, part := range parts {
		outputs[i] = part.Output
		m.Parts[i].Digest = part.Output.Digest
		for at, source := range part.Sources {
			input := i + at*len(d.Parts)
			sources[input] = source
			if source.Outside {
				sources[input].At = d.Inputs[input].Name
			}
		}
		if len(part.Uses) != len(m.Uses) {
			return nil, fmt.Errorf("%s was made otherwise than its division says", m.Parts[i].Name)
		}
		for use := range m.Uses {
			m.Uses[use].Matched += part.Uses[use].Matched
		}
	}
	m.MadeOf(m.Labels, sources)
	var err error
	m.Output, err = joined(outputs)
	return &m, err
}
