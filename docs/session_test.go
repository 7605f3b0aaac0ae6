package docs

import "testing"

func TestOutputMatchesUpToDurationsAndElisions(t *testing.T) {
	cases := map[string]struct {
		shown, output string
		want          bool
	}{
		"the same":                      {"a\nb", "a\nb\n", true},
		"another line":                  {"a\nb", "a\nc\n", false},
		"a line more":                   {"a", "a\nb\n", false},
		"a line less":                   {"a\nb", "a\n", false},
		"another duration":              {"done in 1.5 s", "done in 20 ms\n", true},
		"another rate":                  {"700 rows/s", "5 rows/s\n", true},
		"another time of today":         {"at 2026-11-23T17:59:45Z", "at 2027-01-02T03:04:05.678Z\n", true},
		"another time in the data":      {"at 2013-01-01T06:00:00Z", "at 2013-01-01T07:00:00Z\n", false},
		"another width of a column":     {"a    b", "a  b\n", true},
		"an elision of lines":           {"a\n…\nd", "a\nb\nc\nd\n", true},
		"an elision of nothing":         {"a\n…\nd", "a\nd\n", true},
		"an elision before what is not": {"a\n…\ne", "a\nb\nd\n", false},
		"two elisions":                  {"…\nb\n…\nd", "a\nb\nc\nd\n", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := matches(c.shown, c.output); got != c.want {
				t.Errorf("matches(%q, %q) is %t", c.shown, c.output, got)
			}
		})
	}
}

func TestCommandsShareOneShellAndTheirExitCodesShow(t *testing.T) {
	s := startSession(t, "/bin/sh")
	for _, step := range []struct{ command, want string }{
		{"mkdir flights && cd flights", ""},
		{"basename \"$PWD\"", "flights\n"},
		{"echo told >&2; false", "told\nexit code 1\n"},
		{"cat <<'END'\ntwo\nlines\nEND", "two\nlines\n"},
	} {
		got, err := s.run(step.command)
		if err != nil || got != step.want {
			t.Errorf("%s printed %q, %v; want %q", step.command, got, err, step.want)
		}
	}
}
