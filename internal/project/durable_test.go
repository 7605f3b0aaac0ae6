package project_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
	"github.com/plumbstore/plumb/internal/project"
)

// A training set is made over another. Whatever the disk does, each file is the old one or the new one, whole, an old
// manifest is known not to be that of a new file, and what was reported made is there.
func TestATrainingSetIsOldOrNewAfterAFaultOfTheDiskAtEveryOperation(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	makeSet := func(t *testing.T, on disk.Disk, out, features string) error {
		again := project.Open(p.Config, project.Options{Now: p.Now, Version: "test", Disk: on})
		request := trainingSet(folder, "")
		request.Selection.Features, request.Out, request.DVC = []string{features}, out, true
		_, err := again.MakeTrainingSet(t.Context(), request)
		return errors.Join(err, again.Close())
	}
	lost := faulty.Fault{Survivors: faulty.Nothing}
	for format, faults := range map[string][]faulty.Fault{
		".arrow":   {lost},
		".parquet": {lost, {Survivors: faulty.Names}, {Err: syscall.EIO, Survivors: faulty.Nothing}},
	} {
		was, is := filepath.Join(t.TempDir(), "train"+format), filepath.Join(t.TempDir(), "train"+format)
		err := errors.Join(makeSet(t, disk.Real(), was, "plane:*"), makeSet(t, disk.Real(), is, "plane:seats"))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(format, func(t *testing.T) {
			faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
				root := t.TempDir()
				out := filepath.Join(root, "train"+format)
				for _, suffix := range []string{"", dataset.Suffix} {
					if err := os.WriteFile(out+suffix, read(t, was+suffix), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Mkdir(filepath.Join(root, ".dvc"), 0o755); err != nil {
					t.Fatal(err)
				}
				system := faulty.New(t, root, fault)
				failure := makeSet(t, disk.On(system), out, "plane:seats")
				system.PowerFails()
				isNew := isEither(t, out, was, is)
				describesNew := isEither(t, out+dataset.Suffix, was+dataset.Suffix, is+dataset.Suffix)
				if failure == nil {
					checkTracked(t, out)
				}
				if failure == nil && !describesNew || describesNew && !isNew {
					t.Errorf("after %v the file is new: %t, its manifest: %t", failure, isNew, describesNew)
				}
				found, err := dataset.Find(out)
				if err != nil || (found.Check.State == dataset.Same) != (isNew == describesNew) {
					t.Errorf("the manifest is not known for what it is: %+v, %v", found, err)
				}
				return system
			}, faults...)
		})
	}
}

// isEither checks that a file has the bytes of one of two others, and says whether they are those of the second.
func isEither(t *testing.T, path, first, second string) bool {
	t.Helper()
	content := read(t, path)
	isSecond := bytes.Equal(content, read(t, second))
	if !isSecond && !bytes.Equal(content, read(t, first)) {
		t.Errorf("%s has %d bytes, and is neither the old one nor the new one", path, len(content))
	}
	return isSecond
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// checkTracked checks that the copy in the cache of DVC is there which the .dvc file names.
func checkTracked(t *testing.T, out string) {
	t.Helper()
	_, sum, _ := strings.Cut(string(read(t, out+".dvc")), "md5: ")
	sum, _, _ = strings.Cut(sum, "\n")
	cached := filepath.Join(filepath.Dir(out), ".dvc", "cache", "files", "md5", sum[:2], sum[2:])
	if !bytes.Equal(read(t, cached), read(t, out)) {
		t.Error("the cache of DVC has another file")
	}
}

func TestAManifestThatIsNotWantedAnyMoreDoesNotComeBack(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	root, request := t.TempDir(), trainingSet(folder, "")
	request.Out = filepath.Join(root, "train.csv")
	if _, err := p.MakeTrainingSet(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	system := faulty.New(t, root, faulty.Fault{Survivors: faulty.Nothing})
	request.NoManifest = true
	again := project.Open(p.Config, project.Options{Now: p.Now, Version: "test", Disk: disk.On(system)})
	defer again.Close()
	if _, err := again.MakeTrainingSet(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	system.PowerFails()
	if _, err := os.Stat(request.Out + dataset.Suffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the manifest is there again: %v", err)
	}
}

// interrupting cancels as soon as a file has its name.
type interrupting struct {
	disk.OperatingSystem
	cancel func()
}

func (i interrupting) Rename(from, to string) error {
	defer i.cancel()
	return i.OperatingSystem.Rename(from, to)
}

func TestATrainingSetThatHasAppearedGetsItsManifestAlsoIfItIsInterrupted(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	for _, format := range []string{".csv", ".parquet"} {
		ctx, cancel := context.WithCancel(t.Context())
		again := project.Open(p.Config,
			project.Options{Now: p.Now, Version: "test", Disk: disk.On(interrupting{cancel: cancel})})
		request := trainingSet(folder, "")
		request.Out = filepath.Join(t.TempDir(), "train"+format)
		_, err := again.MakeTrainingSet(ctx, request)
		if err := errors.Join(err, again.Close()); err != nil || ctx.Err() == nil {
			t.Errorf("%s: got %v, and the context %v", format, err, ctx.Err())
		}
		for _, name := range []string{request.Out, request.Out + dataset.Suffix} {
			if _, err := os.Stat(name); err != nil {
				t.Error(err)
			}
		}
	}
}
