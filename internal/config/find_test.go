package config_test

import (
	"errors"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
)

func TestTheNearestProjectAtOrAboveTheFolderCounts(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/plumb.yaml", "project: outer\n")
	write(t, root+"/a/b/plumb.yaml", "project: inner\n")
	write(t, root+"/a/b/c/features/x.yaml", "")
	for _, test := range []struct {
		dir, flag, variable, want string
	}{
		{root, "", "", root},
		{root + "/a", "", "", root},
		{root + "/a/b/c/features", "", "", root + "/a/b"},
		{root, "a/b", "", root + "/a/b"},
		{root, root + "/a/b", "", root + "/a/b"},
		{root, "", "a/b", root + "/a/b"},
		{root + "/a/b", "..//..", "a/b", root},
	} {
		flags := []string{"--project-dir=" + test.flag}
		loaded, err := load(t, test.dir, flags, map[string]string{"PLUMB_PROJECT_DIR": test.variable})
		if err != nil || loaded.ProjectDir != test.want {
			t.Errorf("from %s with %q and %q: %+v, %v; want %s", test.dir, test.flag, test.variable, loaded, err, test.want)
		}
	}
}

func TestWhereThereIsNoProjectTheMessageSaysWhatToDo(t *testing.T) {
	folder := t.TempDir()
	write(t, folder+"/file", "")
	for _, test := range []struct {
		flags       []string
		environment map[string]string
		want        string
	}{
		{nil, nil, "there is no plumb.yaml in " + folder + " or above it; make a project with plumb init, or name one with " +
			"--project-dir"},
		{[]string{"--project-dir=file"}, nil, "--project-dir: " + folder + "/file holds no plumb.yaml; name the folder of " +
			"a project, or make one with plumb init"},
		{nil, map[string]string{"PLUMB_PROJECT_DIR": "/nowhere"}, "PLUMB_PROJECT_DIR: /nowhere holds no plumb.yaml; name " +
			"the folder of a project, or make one with plumb init"},
	} {
		_, err := load(t, folder, test.flags, test.environment)
		if _, ok := errors.AsType[*fault.InputError](err); !ok || err.Error() != test.want {
			t.Errorf("got %v\nwant %s", err, test.want)
		}
	}
}
