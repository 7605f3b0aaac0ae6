package offlinetest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/store/offline"
)

// Locate checks that files below the roots are found by any path that leads there, and that all others are refused with
// the words for a file that is not there.
func (s Suite) Locate(t *testing.T) {
	folder, outside := filepath.Join(t.TempDir(), "project"), t.TempDir()
	engine := s.Start(t, folder, 1)
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/a.csv", "data/deep/b.csv", "secret/x.csv", "database/x.csv", "x.csv", "../x.csv"} {
		writeText(t, folder, name, "")
	}
	writeText(t, outside, "x.csv", "")
	for name, target := range map[string]string{
		"data/inside.csv": "deep/b.csv", "inbound.csv": "data/a.csv", "data/link.csv": "../secret/x.csv",
		"data/folder": outside, "data/nowhere.csv": "gone.csv", "data/absolute.csv": filepath.Join(outside, "x.csv"),
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"data/a.csv": "a.csv", "./data/deep/b.csv": "deep/b.csv", "data/deep/../a.csv": "a.csv",
		"secret/../data/a.csv": "a.csv", "data/inside.csv": "deep/b.csv", "inbound.csv": "a.csv",
		filepath.Join(folder, "data/a.csv"):           "a.csv",
		folder + "/secret/../data/deep/../inside.csv": "deep/b.csv",
	} {
		if got, err := engine.Locate(path); err != nil || got != filepath.Join(resolved, "data", want) {
			t.Errorf("%s is located at %q, %v; want %s below the root", path, got, err, want)
		}
	}
	checkNoObjects(t, engine)
	missing := refusedAt(t, engine, "data/none.csv")
	for _, path := range []string{
		"secret/x.csv", "database/x.csv", "x.csv", "../x.csv", "data/../x.csv", "data/../../x.csv", "data/link.csv",
		"data/folder/x.csv", "data/absolute.csv", "data/nowhere.csv", "nowhere/none.csv", "../none.csv",
		filepath.Join(outside, "x.csv"), filepath.Join(outside, "none.csv"), filepath.Join(folder, "x.csv"),
		filepath.Join(folder, "data/link.csv"), filepath.Join(folder, "data/none.csv"),
	} {
		if words := refusedAt(t, engine, path); words != missing {
			t.Errorf("%s is refused with\n%s\nand a file that is not there with\n%s", path, words, missing)
		}
	}
}

// checkNoObjects checks that an engine without roots of objects admits none.
func checkNoObjects(t *testing.T, engine offline.Files) {
	t.Helper()
	for _, name := range []string{"s3://lake/data/a.csv", "gs://lake/a.csv", "s3://", "data/a.csv"} {
		if err := engine.LocateObject(name); len(mistakes(err)) == 0 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is admitted with the error %v, want an input error with its name", name, err)
		}
	}
}

// refusedAt returns the words with which a path is refused, without the path.
func refusedAt(t *testing.T, engine offline.Files, path string) string {
	t.Helper()
	located, err := engine.Locate(path)
	if len(mistakes(err)) == 0 || located != "" {
		t.Errorf("%s is located at %q with the error %v, want an input error alone", path, located, err)
		return ""
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("%s is refused with %v, which does not name it", path, err)
	}
	return strings.Replace(err.Error(), path, "PATH", 1)
}

// scratchProject names, in the environment of a process that Scratch starts, the project folder to make a folder for.
const scratchProject = "PLUMB_TEST_SCRATCH"

// Scratch checks that scratch folders are private and apart, are gone when they are removed, and that those of a killed
// process are gone when the next engine opens, and those of a living one are not. It runs the test that calls it once
// more in other processes.
func (s Suite) Scratch(t *testing.T) {
	if project, ok := os.LookupEnv(scratchProject); ok {
		s.keepScratch(t, project)
		return
	}
	project := t.TempDir()
	engine := s.Start(t, project, 1)
	first, removeFirst := scratch(t, engine)
	second, removeSecond := scratch(t, engine)
	if first == second {
		t.Errorf("two scratch folders are one: %s", first)
	}
	writeText(t, second, "deep/kept", "")
	if err := removeFirst(); err != nil || isThere(t, first) || !isThere(t, filepath.Join(second, "deep/kept")) {
		t.Errorf("removing %s gave %v; it is there: %t, and the other is: %t", first, err, isThere(t, first),
			isThere(t, second))
	}
	if err := removeSecond(); err != nil || isThere(t, second) {
		t.Errorf("removing %s gave %v", second, err)
	}
	killed, kill := startScratch(t, project)
	living, _ := startScratch(t, project)
	kill()
	if !isThere(t, filepath.Join(killed, "kept")) || killed == living {
		t.Fatalf("before the next engine opens, %s of the killed process is gone, or the same as %s", killed, living)
	}
	s.Start(t, project, 1)
	if isThere(t, killed) {
		t.Errorf("%s of the killed process is still there", killed)
	}
	if !isThere(t, filepath.Join(living, "kept")) {
		t.Errorf("%s of a living process was taken away", living)
	}
}

// scratch makes a folder with the file "kept" in it.
func scratch(t *testing.T, engine offline.Files) (folder string, remove func() error) {
	t.Helper()
	folder, remove, err := engine.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(folder) || !info.IsDir() || info.Mode().Perm() != 0o700 {
		t.Errorf("the scratch folder %s has the mode %s, want an absolute path and a private folder", folder, info.Mode())
	}
	writeText(t, folder, "kept", "")
	return folder, remove
}

func isThere(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return err == nil
}

// madeScratch begins the line in which a process says where its scratch folder is.
const madeScratch = "made scratch folder "

// keepScratch makes a scratch folder and keeps it until the process is killed.
func (s Suite) keepScratch(t *testing.T, project string) {
	folder, _ := scratch(t, s.Start(t, project, 1))
	if _, err := os.Stdout.WriteString("\n" + madeScratch + folder + "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(os.Stdin); err != nil {
		t.Fatal(err)
	}
}

// startScratch returns the scratch folder of another process, and how to kill it.
func startScratch(t *testing.T, project string) (folder string, kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), scratchProject+"="+project)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	t.Cleanup(kill)
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if folder, ok := strings.CutPrefix(lines.Text(), madeScratch); ok {
			return folder, kill
		}
		said.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("a process ended before it had made a scratch folder:\n%s", said.String())
	return "", nil
}
