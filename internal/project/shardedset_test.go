package project_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/project"
)

func sharded(folder, out string, shards int) project.ShardedRequest {
	request := project.ShardedRequest{TrainingSetRequest: trainingSet(folder, ""), Shards: shards}
	request.Out = out
	return request
}

// only is the request for one shard.
func only(request project.ShardedRequest, shard int) project.ShardedRequest {
	request.Shard = &shard
	return request
}

// names are the names in a folder.
func names(t *testing.T, folder string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

var threeFiles = []string{"_plumb.division", "_plumb.manifest", "part-00000-of-00003.parquet",
	"part-00001-of-00003.parquet", "part-00002-of-00003.parquet"}

func TestShardsThatAreMadeAtTheSameTimeMakeOneTrainingSet(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	alone, together := filepath.Join(folder, "alone"), filepath.Join(folder, "together")
	one, err := p.MakeShards(t.Context(), sharded(folder, alone, 3))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	made, errs := make([]*project.ShardedSet, 3), make([]error, 3)
	for i := range made {
		own := p.Moved(p.Config.ProjectDir, p.Config.Offline.Roots)
		group.Go(func() {
			made[i], errs[i] = own.MakeShards(context.Background(), only(sharded(folder, together, 3), i))
			errs[i] = errors.Join(errs[i], own.Close())
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, m := range made {
		if m.Manifest != nil {
			whole++
			if m.Manifest.Output.Digest != one.Manifest.Output.Digest {
				t.Error("the content is another")
			}
		}
	}
	if whole == 0 {
		t.Error("nobody has found all files")
	}
	for _, at := range []string{alone, together} {
		if got := names(t, at); !slices.Equal(got, threeFiles) {
			t.Errorf("%s has %v", at, got)
		}
	}
	for _, name := range threeFiles[2:] {
		if !bytes.Equal(read(t, filepath.Join(alone, name)), read(t, filepath.Join(together, name))) {
			t.Errorf("%s has other bytes", name)
		}
	}
	if result, err := p.VerifyTrainingSet(t.Context(), together, ""); err != nil || !result.Same {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAFileThatIsGoneIsMadeAgainAndTheOthersStay(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	out := filepath.Join(folder, "sets")
	if _, err := p.MakeShards(t.Context(), sharded(folder, out, 3)); err != nil {
		t.Fatal(err)
	}
	manifest, gone := read(t, filepath.Join(out, threeFiles[1])), filepath.Join(out, threeFiles[3])
	was := read(t, gone)
	if err := errors.Join(os.Remove(gone), os.WriteFile(filepath.Join(out, threeFiles[4]), []byte("no Parquet"), 0o644),
		os.WriteFile(filepath.Join(out, "."+threeFiles[3]+".partial-7"), []byte("half"), 0o644)); err != nil {
		t.Fatal(err)
	}
	made, err := p.MakeShards(t.Context(), sharded(folder, out, 3))
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Made) != 2 || made.Missing != 0 || made.Manifest == nil {
		t.Errorf("%+v", made)
	}
	if got := names(t, out); !slices.Equal(got, threeFiles) {
		t.Errorf("there is %v", got)
	}
	if !bytes.Equal(read(t, gone), was) || !bytes.Equal(read(t, filepath.Join(out, threeFiles[1])), manifest) {
		t.Error("what was made again is another")
	}
}

func TestWhatADividedTrainingSetCannotBeIsRefusedAndNothingIsWritten(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	sets := filepath.Join(folder, "sets")
	if _, err := p.MakeShards(t.Context(), only(sharded(folder, sets, 3), 1)); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(folder, "used")
	if err := errors.Join(os.Mkdir(used, 0o755), os.WriteFile(filepath.Join(used, "notes"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	csv := sharded(folder, filepath.Join(folder, "csv"), 2)
	csv.Labels = filepath.Join(folder, "labels.csv")
	if err := os.WriteFile(csv.Labels, []byte("tailnum,event_timestamp\nN1,2013-07-01T00:00:00Z\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	statuses := sharded(folder, sets, 3)
	statuses.Options.Statuses = true
	for want, request := range map[string]project.ShardedRequest{
		"has to be a folder":      sharded(folder, filepath.Join(folder, "out.parquet"), 2),
		"does not exist":          sharded(folder, filepath.Join(folder, "no", "sets"), 2),
		"it is not a folder":      sharded(folder, filepath.Join(folder, "README.md"), 2),
		"has notes, and no run":   sharded(folder, used, 2),
		"statuses: true in the p": statuses,
		"shards: 4 in the place ": sharded(folder, sets, 4),
		"have no types":           csv,
	} {
		_, err := p.MakeShards(t.Context(), request)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, and was to say %q", err, want)
		}
	}
	if got := names(t, sets); !slices.Equal(got, []string{threeFiles[0], threeFiles[3]}) {
		t.Errorf("there is %v", got)
	}
	if _, err := dataset.Find(sets); err == nil || !strings.Contains(err.Error(), "has no manifest _plumb.manifest") {
		t.Errorf("the error is %v", err)
	}
}

func TestAWholeTrainingSetOfOtherSourcesIsNotTakenForThatOfToday(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	out := filepath.Join(folder, "sets")
	if _, err := p.MakeShards(t.Context(), sharded(folder, out, 2)); err != nil {
		t.Fatal(err)
	}
	again, err := p.MakeShards(t.Context(), sharded(folder, out, 2))
	if err != nil || again.Manifest == nil || len(again.Made) > 0 {
		t.Errorf("%+v, %v", again, err)
	}
	weather := read(t, filepath.Join(folder, "data", "weather.parquet"))
	if err := os.WriteFile(filepath.Join(folder, "data", "planes.parquet"), weather, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = p.MakeShards(t.Context(), sharded(folder, out, 2))
	if err == nil || !strings.Contains(err.Error(), "of sources that were others") {
		t.Errorf("the error is %v", err)
	}
}

func TestADividedTrainingSetOfObjects(t *testing.T) {
	l := newLake(t)
	request := project.ShardedRequest{TrainingSetRequest: l.request("s3://lake/out/sets/"), Shards: 3}
	if made, err := l.project.MakeShards(t.Context(), only(request, 2)); err != nil || made.Missing != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	made, err := l.project.MakeShards(t.Context(), request)
	if err != nil || made.Manifest == nil || len(made.Made) != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	var keys []string
	for _, name := range threeFiles {
		keys = append(keys, "out/sets/"+name)
	}
	l.checkTidy(t, keys...)
	for _, path := range []string{"s3://lake/out/sets", "s3://lake/out/sets/", "s3://lake/out/sets/_plumb.manifest"} {
		result, err := l.project.VerifyTrainingSet(t.Context(), path, "")
		if err != nil || !result.Same || !strings.HasPrefix(result.File, "s3://lake/out/sets") {
			t.Errorf("%s: %+v, %v", path, result, err)
		}
	}
	local := project.ShardedRequest{TrainingSetRequest: l.request(filepath.Join(l.folder, "sets")), Shards: 3}
	if _, err := l.project.MakeShards(t.Context(), local); err != nil {
		t.Fatal(err)
	}
	for _, name := range threeFiles[2:] {
		if !bytes.Equal(read(t, filepath.Join(l.folder, "sets", name)), l.server.Get(t, "out/sets/"+name)) {
			t.Errorf("%s is another as an object", name)
		}
	}
}
