package main_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shardKills is how often the test below kills the making of a training set in several files.
const shardKills = 20

// A command that makes a training set in several files is killed at random instants until it ends. At any time the
// files that are there are those of an undisturbed run, byte for byte, and at the end all of them are, with one
// manifest.
func TestATrainingSetInShardsThatIsKilledAgainAndAgainIsWholeAtTheEnd(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	v := victim{t, filepath.Join(t.TempDir(), "project"), "sqlite:online.db"}
	if output, err := exec.Command(filepath.Join(binaries, "plumb"), "init", v.folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	v.run("apply", "--yes")
	command := func(out string) []string {
		return []string{"historical", "--labels", filepath.Join(v.folder, "data", "labels.parquet"), "--service",
			"delay_model", "--out", out, "--shards", "4"}
	}
	whole, wounded := filepath.Join(v.folder, "whole"), filepath.Join(v.folder, "wounded")
	began := time.Now() //nolint:forbidigo // It measures how long there is to kill a run.
	v.run(command(whole)...)
	undisturbed := time.Since(began)
	between := 0
	for i := range shardKills {
		if i%10 == 0 {
			if err := os.RemoveAll(wounded); err != nil {
				t.Fatal(err)
			}
		}
		killed := v.plumb(t.Context(), command(wounded)...)
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(undisturbed))), func() { _ = killed.Process.Kill() })
		_ = killed.Wait() // It says that the run was killed, or nothing.
		timer.Stop()
		if there := v.checkFiles(whole, wounded); 0 < there && there < 4 {
			between++
		}
	}
	if between == 0 {
		t.Error("no run was killed between its files")
	}
	v.run(command(wounded)...)
	if there := v.checkFiles(whole, wounded); there != 4 {
		t.Errorf("%d files are there", there)
	}
	v.run("dataset", "verify", wounded)
	for _, folder := range []string{whole, wounded} {
		if left, err := filepath.Glob(filepath.Join(folder, ".*part-*")); err != nil || left != nil {
			t.Errorf("%v is left, %v", left, err)
		}
	}
	if a, b := v.digestOf(whole), v.digestOf(wounded); a != b {
		t.Errorf("the content is %s, and %s undisturbed", b, a)
	}
}

// checkFiles compares the files that are there with those of an undisturbed run, and returns their number. A manifest
// is there only if all of them are.
func (v victim) checkFiles(whole, wounded string) (there int) {
	v.t.Helper()
	entries, err := os.ReadDir(wounded)
	if err != nil && !os.IsNotExist(err) {
		v.t.Fatal(err)
	}
	manifest := false
	for _, entry := range entries {
		manifest = manifest || strings.HasSuffix(entry.Name(), ".manifest") && entry.Name()[0] != '.'
		if !strings.HasPrefix(entry.Name(), "part-") {
			continue
		}
		there++
		got, err := os.ReadFile(filepath.Join(wounded, entry.Name()))
		if err != nil {
			v.t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(whole, entry.Name()))
		if err != nil || !bytes.Equal(got, want) {
			v.t.Errorf("%s is not what it is undisturbed, %v", entry.Name(), err)
		}
	}
	if manifest && there != 4 {
		v.t.Errorf("there is a manifest of %d files", there)
	}
	return there
}

// digestOf is the digest of the content of a training set in several files.
func (v victim) digestOf(folder string) string {
	v.t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "_plumb.manifest"))
	if err != nil {
		v.t.Fatal(err)
	}
	var manifest struct{ Output struct{ Digest string } }
	if err := json.Unmarshal(text, &manifest); err != nil {
		v.t.Fatal(err)
	}
	return manifest.Output.Digest
}
