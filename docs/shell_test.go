package docs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// session is one shell that runs the commands of a document one after the other, so that they share a working directory
// as they do for a reader.
type session struct {
	shell *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	// http is the address at which a server of the session answers HTTP. It replaces the default that documents show.
	http string
}

// shownHTTP is the default of serving.http.
const shownHTTP = "127.0.0.1:6571"

// endOfOutput is printed after each command, behind its exit code.
const endOfOutput = "\x04end of output"

// startSession starts a shell with variables, each NAME=VALUE, beside those of every document.
func startSession(t *testing.T, plumb string, variables ...string) *session {
	t.Helper()
	home := t.TempDir()
	s := &session{shell: exec.Command("bash", "--noprofile", "--norc"), http: freeAddress(t)}
	s.shell.Dir = home
	s.shell.Env = []string{
		"PATH=" + filepath.Dir(plumb) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home, "USER=ada", "LANG=C.UTF-8",
		"PLUMB_SERVING_GRPC=127.0.0.1:0", "PLUMB_SERVING_HTTP=" + s.http,
	}
	s.shell.Env = append(s.shell.Env, variables...)
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// Documents say that a clone of the repository is there.
	if err := os.Symlink(repository, filepath.Join(home, "plumb")); err != nil {
		t.Fatal(err)
	}
	if s.in, err = s.shell.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.shell.Stderr = s.shell.Stdout
	s.out = bufio.NewReader(out)
	if err := s.shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.in.Close()
		if err := s.shell.Wait(); err != nil {
			t.Errorf("the shell ended with %v", err)
		}
	})
	return s
}

// freeAddress is an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// run returns what a command printed on stdout and stderr, and a line about its exit code if that is not 0. The command
// has no input, or it would read the commands that follow.
func (s *session) run(command string) (string, error) {
	command = strings.ReplaceAll(command, shownHTTP, s.http)
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null\nprintf '%%d%s\\n' $?\n", command, endOfOutput); err != nil {
		return "", err
	}
	var printed strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return printed.String(), errors.Join(err, errors.New("the shell is gone"))
		}
		if before, ended := strings.CutSuffix(line, endOfOutput+"\n"); ended {
			return printed.String() + exitLine(before), nil
		}
		printed.WriteString(line)
	}
}

// exitLine reads the exit code that follows the last output; a command whose output lacks its last newline is a mistake
// that shows as such.
func exitLine(code string) string {
	if code == "0" {
		return ""
	}
	return "exit code " + code + "\n"
}

// What differs from run to run is taken out of both sides before they are compared.
var variable = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(s|ms|µs)\b`), "<duration>"},
	{regexp.MustCompile(`\b\d+ rows/s\b`), "<rate>"},
	{regexp.MustCompile(`\b20(2[6-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?`), "<now>"},
	{regexp.MustCompile(`\b\d{2,}d(\d+h)?\b`), "<duration>"},
	{regexp.MustCompile(`\bby \S+@\S+`), "by <user>"},
	{regexp.MustCompile(`[ \t]+\n`), "\n"},
	{regexp.MustCompile(`-{3,}|─{3,}`), "---"},
	{regexp.MustCompile(` {2,}`), "  "},
}

func normal(text string) string {
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.replacement)
	}
	return strings.TrimSpace(text)
}

// matches says whether output is what the document shows. A line of … alone stands for any number of lines.
func matches(shown, output string) bool {
	return matchLines(strings.Split(normal(shown), "\n"), strings.Split(normal(output), "\n"))
}

func matchLines(shown, output []string) bool {
	gap := slices.Index(shown, "…")
	if gap < 0 {
		return slices.Equal(shown, output)
	}
	if gap > len(output) || !slices.Equal(shown[:gap], output[:gap]) {
		return false
	}
	for skipped := gap; skipped <= len(output); skipped++ {
		if matchLines(shown[gap+1:], output[skipped:]) {
			return true
		}
	}
	return false
}
