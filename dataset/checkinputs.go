package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
)

// located is a file of a manifest as it is now.
type located struct {
	Check
	// Path is where its bytes are; empty if they are nowhere.
	Path string
}

// inputs are the files that a training set was made from as they are now.
type inputs struct {
	labels  located
	sources []located
	// added are files that the sources have got since, further says that this is not known, and why.
	added   []Check
	further *Check
}

func (in *inputs) checks() []Check {
	checks := []Check{in.labels.Check}
	for _, source := range in.sources {
		checks = append(checks, source.Check)
	}
	checks = append(checks, in.added...)
	if in.further != nil {
		checks = append(checks, *in.further)
	}
	return checks
}

// checkInputs compares the labels and the sources' files with the manifest. The sources are those of the manifest's
// revision. If the revision is not known they are nil, and whether they have more files now is unknown. A file that was
// moved or replaced is not an added one, neither where it was nor where it is now.
func (f *Found) checkInputs(ctx context.Context, present Present, find *finder, sources []*feature.Source) (
	*inputs, error,
) {
	m, in := f.Manifest, &inputs{}
	var err error
	if in.labels, err = f.checkLabels(ctx, present, find); err != nil {
		return nil, err
	}
	now, err := in.list(ctx, m, present, sources)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, source := range m.Sources {
		if source.isVersioned() {
			in.sources = append(in.sources, in.versioned(source, now, present.Folder))
			taken[source.Source+"\x00"+source.Path] = true
			continue
		}
		found, err := find.locate(ctx, "source "+source.Source, source.File, present.Folder)
		if err != nil {
			return nil, err
		}
		if found.Path != "" {
			taken[source.Source+"\x00"+found.Path] = true
		}
		if found.State != Moved && source.in(present.Folder) != "" {
			taken[source.Source+"\x00"+source.in(present.Folder)] = true
		}
		in.sources = append(in.sources, found)
	}
	for _, file := range now {
		name := file.Name
		if _, ok := file.Version.(feature.TableVersion); ok {
			continue // What it has been given since is told with it.
		}
		if _, ok := file.Version.(feature.ObjectVersion); !ok {
			name = absolute(present.Folder, file.Name)
		}
		if !taken[file.Source+"\x00"+name] {
			in.added = append(in.added, Check{Subject: "source " + file.Source, Name: file.Name, State: Added})
		}
	}
	return in, nil
}

// versioned compares an object or a table with what the sources have now. Either is its version: no bytes are read.
func (in *inputs) versioned(was SourceFile, now []feature.Input, folder string) located {
	found := located{Check: Check{Subject: "source " + was.Source, Name: was.Path, State: Missing}}
	switch {
	case in.further != nil:
		found.State, found.Detail = NotCompared, in.further.Detail
		return found
	case was.Table != nil:
		return in.table(was, now, folder)
	}
	return in.object(found, was, now)
}

// table compares a table with what it is now. Any snapshot can be read that it still has.
func (in *inputs) table(was SourceFile, now []feature.Input, folder string) located {
	subject := "source " + was.Source
	found := located{Check: Check{Subject: subject, Name: was.Path, State: Missing}}
	for _, input := range now {
		version, ok := input.Version.(feature.TableVersion)
		switch {
		case !ok || input.Source != was.Source:
		case version.Table != was.Table.UUID:
			found.State, found.Detail = Changed, "it is another table"
		case !slices.Contains(version.Kept, was.Table.Snapshot):
			found.Detail = fmt.Sprintf("its snapshot %d is not kept any more", was.Table.Snapshot)
		default:
			found.State, found.Path = Same, was.in(folder)
			if version.Snapshot != was.Table.Snapshot {
				in.added = append(in.added, Check{Subject: subject, Name: was.Path, State: Added,
					Detail: fmt.Sprintf("it is at snapshot %d, and was at %d", version.Snapshot, was.Table.Snapshot)})
			}
		}
	}
	return found
}

// object compares an object with what the sources have now.
func (in *inputs) object(found located, was SourceFile, now []feature.Input) located {
	for _, input := range now {
		version, ok := input.Version.(feature.ObjectVersion)
		switch {
		case !ok || input.Source != was.Source || input.Name != was.Path:
		case version.ETag == was.ETag && version.Size == was.Size:
			found.State, found.Path = Same, was.Path
			return found
		default:
			found.State, found.Detail = Changed, otherVersion(version, was.File)
			return found
		}
	}
	return found
}

// list returns the files that the sources have now, or notes why that is not known.
func (in *inputs) list(ctx context.Context, m *Manifest, present Present, sources []*feature.Source) (
	[]feature.Input, error,
) {
	further := Check{Subject: "sources", Name: "further files", State: NotCompared}
	if sources == nil {
		further.Detail = "what its revision read is not known"
		if m.Revision > 0 {
			further.Detail = fmt.Sprintf("what revision %d read is not known", m.Revision)
		}
		in.further = &further
		return nil, nil
	}
	now, err := present.Files(ctx, sources)
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		further.Detail = input.Message
		in.further = &further
		return nil, nil
	}
	return now, err
}

// checkLabels compares the label rows: the file, or, of labels that came from a program, the rows of the file that the
// caller names, or else the label columns of the training set itself.
func (f *Found) checkLabels(ctx context.Context, present Present, find *finder) (located, error) {
	was := f.Manifest.Labels
	if was.Content != "" {
		return f.checkLabelRows(ctx, present)
	}
	if was.ETag != "" {
		return f.checkLabelObject(ctx, present)
	}
	if present.Labels == "" {
		return find.locate(ctx, "labels", was.File, present.Folder)
	}
	given := was.File
	given.Path, given.Outside, given.At = present.Labels, true, present.Labels
	return find.locate(ctx, "labels", given, present.Folder)
}

// checkLabelObject compares the version of the labels with that of the object now, or of the object whose copy the
// caller gives. A file has no version; the labels can be made from again by it all the same, since the content of the
// training set is compared then.
func (f *Found) checkLabelObject(ctx context.Context, present Present) (located, error) {
	was := f.Manifest.Labels
	found := located{Check: Check{Subject: "labels", Name: was.Path, State: Same}, Path: present.Labels}
	object := present.LabelsObject
	if object == nil && present.Labels != "" {
		found.Name, found.State = present.Labels, NotCompared
		found.Detail = fmt.Sprintf("the labels were the object %s, and a file has no ETag to compare", was.Path)
		return found, nil
	}
	if object == nil {
		version, there, err := present.Object(ctx, was.Path)
		if input, ok := errors.AsType[*fault.InputError](err); ok {
			found.State, found.Detail = NotCompared, input.Message
			return found, nil
		}
		if err != nil || !there {
			found.State = Missing
			return found, err
		}
		found.Path, object = was.Path, &feature.Input{Name: was.Path, Version: version}
	}
	found.Name = object.Name
	version, _ := object.Version.(feature.ObjectVersion)
	if version.ETag != was.ETag || version.Size != was.Size {
		found.State, found.Path, found.Detail = Changed, "", otherVersion(version, was.File)
	}
	return found, nil
}

// otherVersion says that an object is not what it was.
func otherVersion(now feature.ObjectVersion, was File) string {
	return fmt.Sprintf("it is another version: %s in the place of %s", now,
		feature.ObjectVersion{Size: was.Size, ETag: was.ETag})
}

// checkLabelRows compares the rows of a program by their content digest, which is the same for a file of them alone and
// for the label columns of the training set.
func (f *Found) checkLabelRows(ctx context.Context, present Present) (located, error) {
	was := f.Manifest.Labels
	found := located{Check: Check{Subject: "labels", Name: "rows of a program", State: Same}, Path: present.Labels}
	if found.Path == "" {
		found.Path = f.Output
	} else {
		found.Name = present.Labels
	}
	if _, err := os.Stat(found.Path); errors.Is(err, os.ErrNotExist) {
		found.State, found.Path = Missing, ""
		found.Detail = "the training set is not there; name a file that holds them with --labels"
		return found, nil
	}
	columns := f.Manifest.labelColumns()
	t := table{path: found.Path, format: formatOf(found.Path)}
	scan, err := t.scan(ctx, nil)
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		found.State, found.Detail = Changed, input.Message
		return found, nil
	}
	if err != nil {
		return found, err
	}
	if len(scan.columns) < len(columns) || present.Labels != "" && len(scan.columns) > len(columns) {
		found.State = Changed
		found.Detail = fmt.Sprintf("it has %d columns in the place of %d", len(scan.columns), len(columns))
		return found, nil
	}
	scan.columns = scan.columns[:len(columns)]
	if digested(scan).Digest != was.Content {
		found.State, found.Detail = Changed, "the rows are others"
	}
	return found, nil
}

// labelColumns are the columns of the training set that were the labels'.
func (m *Manifest) labelColumns() []Column {
	for i, column := range m.Output.Columns {
		if column.Kind != LabelColumn {
			return m.Output.Columns[:i]
		}
	}
	return m.Output.Columns
}

// locate says what became of a file, and where its bytes are now. A file is its content: if the place has other bytes,
// or none, the bytes are looked for elsewhere. Found elsewhere, a file that is gone from its place is Moved, and one
// that was replaced is Changed, with a word on where the old bytes are. Either can be made from again (Rebuildable).
func (f *finder) locate(ctx context.Context, subject string, was File, folder string) (located, error) {
	path := was.in(folder)
	found := located{Check: Check{Subject: subject, Name: was.Path, State: Same}, Path: path}
	if was.Outside && was.At != "" {
		found.Name = was.At
	}
	if err := f.compare(ctx, &found, was); err != nil || found.State == Same {
		return found, err
	}
	moved, err := f.file(ctx, was.Path, was.Size, was.Digest, path == "")
	if found.Path = moved; moved == "" || err != nil {
		return found, err
	}
	switch {
	case path == "":
		found.State, found.Detail = Same, "it is "+f.shown(moved)
	case found.State == Missing:
		found.State, found.Detail = Moved, "it is now "+f.shown(moved)
	default:
		found.Detail += "; what it was is now " + f.shown(moved)
	}
	return found, nil
}

// compare compares what is at a path with a file, by the size first: most files that differ do so in size, and a digest
// reads all bytes.
func (f *finder) compare(ctx context.Context, found *located, was File) error {
	if found.Path == "" {
		found.State, found.Detail = Missing, "where it was, outside of the project, is in the manifest beside the file alone"
		return nil
	}
	info, err := os.Stat(found.Path)
	if pointer, ok := gitlfs.Read(found.Path); ok && pointer.Size >= 0 && (err != nil || info.Size() != was.Size) {
		found.State, found.Detail = pointed(pointer, was.Digest)
		return nil //nolint:nilerr // A pointer stands for the file, whatever can be told of it.
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		found.State, found.Detail = Missing, tracked(found.Path, &Written{Size: was.Size})
		return nil
	case err == nil && info.Size() != was.Size:
		found.State = Changed
		found.Detail = fmt.Sprintf("it has %d bytes in the place of %d", info.Size(), was.Size)
		return nil
	}
	now, err := f.digests.Of(ctx, []string{found.Path})
	if err != nil {
		return err
	}
	if now[0].Digest != was.Digest {
		found.State, found.Detail = Changed, "it has other bytes, as many as before"
	}
	return nil
}
