package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/spec"
)

// The exit codes. Scripts go by them: 3 is for what a correction of the input mends, and for an audit that could not
// compare everything; 1 is for everything else that went wrong, such as a store that cannot be reached or a check that
// failed. 2 says that plan --detailed-exitcode has found changes, which is no failure.
const (
	exitFine    = 0
	exitFault   = 1
	exitChanges = 2
	exitInput   = 3
)

// errChanges makes plan --detailed-exitcode exit with 2. It is printed nowhere.
var errChanges = errors.New("the plan has changes")

// errFailedCheck makes a command that checks something exit with 1 since the check failed, and errUnchecked with 3
// since some of it could not be done. They are printed nowhere: the command's report has said so.
var (
	errFailedCheck = errors.New("the check failed")
	errUnchecked   = errors.New("not all was checked")
)

// failure is what a program reads if --output is json.
//
// For example: {"error":{"message":"features/prices.yaml:4:5: …","exit_code":3,"problems":[…]}}. The exit code says
// what kind of thing went wrong, for scripts; kind and problems are for programs that act on it.
type failure struct {
	Message  string         `json:"message"`
	ExitCode int            `json:"exit_code"`
	Kind     string         `json:"kind,omitempty"`
	Problems []spec.Problem `json:"problems,omitempty"`
	// Changes are those of a plan whose hazards nobody accepted.
	Changes []plan.Detail `json:"changes,omitempty"`
}

// finish prints what went wrong, if anything, and returns the exit code. It is the one place that turns errors into
// messages and exit codes.
func (a *application) finish(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.Is(err, errRefused), errors.Is(err, errUnchecked):
		return exitInput
	case errors.Is(err, errFailedCheck):
		return exitFault
	}
	failed := failure{ExitCode: exitCode(err)}
	var lines []string
	if ctx.Err() != nil {
		failed.ExitCode, lines = exitFault, []string{"plumb: interrupted"}
	} else {
		for _, leaf := range leaves(err) {
			lines = append(lines, messages(leaf)...)
			failed.Problems = append(failed.Problems, problems(leaf)...)
			if hazards, ok := errors.AsType[*hazardsError](leaf); ok {
				failed.Changes = hazards.changes
			}
		}
		failed.Kind = failureKind(err)
	}
	failed.Message = strings.TrimPrefix(strings.Join(lines, "\n"), "plumb: ")
	for _, line := range lines {
		a.note("%s", line)
	}
	if a.output == jsonText {
		_ = document.Write(a.Out, map[string]failure{"error": failed}) // There is nowhere left to report to.
	}
	return failed.ExitCode
}

// leaves takes joined errors apart, so that each is reported and none hides another.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) // One inside of another error is its text.
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, leaves(each)...)
	}
	return all
}

// exitCode returns the exit code of a mistake in the input if an error consists of such mistakes alone, and that of a
// fault otherwise.
//
// A fault decides over any number of mistakes: 3 says that it helps to correct the input, and that is not so while
// there is a fault.
func exitCode(err error) int {
	for _, leaf := range leaves(err) {
		if !isInput(leaf) {
			return exitFault
		}
	}
	return exitInput
}

func isInput(err error) bool {
	var (
		input        *fault.InputError
		notFound     *fault.NotFoundError
		precondition *fault.PreconditionError
		collision    *fault.CollisionError
		problems     *spec.Problems
		hazards      *hazardsError
	)
	return errors.As(err, &input) || errors.As(err, &notFound) || errors.As(err, &precondition) ||
		errors.As(err, &collision) || errors.As(err, &problems) || errors.As(err, &hazards)
}

// failureKind distinguishes for programs what the exit code does not. It is empty if there is nothing to add.
func failureKind(err error) string {
	var (
		notFound     *fault.NotFoundError
		precondition *fault.PreconditionError
	)
	switch {
	case len(leaves(err)) > 1:
		return ""
	case errors.As(err, &notFound):
		return "not_found"
	case errors.As(err, &precondition):
		return "precondition"
	case errors.Is(err, fault.ErrConflict):
		return "conflict"
	case errors.Is(err, fault.ErrUnavailable):
		return "unavailable"
	}
	return ""
}

// messages are the lines that people read. A mistake in a file starts with its place, as editors expect.
func messages(err error) []string {
	found := problems(err)
	if len(found) == 0 {
		return []string{"plumb: " + oneLine(err)}
	}
	var lines []string
	for _, problem := range found {
		lines = append(lines, problem.String())
		for line := range strings.Lines(problem.Excerpt) {
			lines = append(lines, "    "+strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// oneLine is an error's text. Errors that are joined inside of it are separated by semicolons, since a line end in a
// message is a part of what somebody gave.
func oneLine(err error) string {
	text := err.Error()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return text
	}
	var each []string
	for _, one := range joined.Unwrap() {
		each = append(each, one.Error())
	}
	return strings.ReplaceAll(text, strings.Join(each, "\n"), strings.Join(each, "; "))
}

func problems(err error) []spec.Problem {
	if found, ok := errors.AsType[*spec.Problems](err); ok {
		return found.All
	}
	return nil
}

// usageError makes a mistake in the command line an InputError with a suggestion. cobra has no types for most of these,
// so they are known by how their texts begin.
func usageError(cmd *cobra.Command, err error) error {
	var input *fault.InputError
	var missing *pflag.NotExistError
	switch {
	case errors.As(err, &input):
		return err
	case errors.As(err, &missing):
		message := fmt.Sprintf("%s has no flag %s", cmd.CommandPath(), flagName(missing))
		return fault.Inputf("", "%s%s", message, suggest("--", missing.GetSpecifiedName(), flagNames(cmd)))
	case strings.HasPrefix(err.Error(), "required flag(s) "):
		return fault.Inputf("", "%s; see %s --help", missingFlags(err), cmd.CommandPath())
	case strings.HasPrefix(err.Error(), "unknown command "):
		return fault.Inputf("", "%s%s", err, suggest("", unknownCommand(err), commandNames(cmd)))
	}
	return fault.Inputf("", "%s; see %s --help", err, cmd.CommandPath())
}

// missingFlags says in our words which flags cobra's message quotes.
func missingFlags(err error) string {
	var names []string
	for i, part := range strings.Split(err.Error(), `"`) {
		if i%2 == 1 {
			names = append(names, "--"+part)
		}
	}
	return english.WordSeries(names, "and") + " " + english.PluralWord(len(names), "is", "are") + " missing"
}

// unknownCommand is the first quoted word of cobra's message.
func unknownCommand(err error) string {
	_, rest, _ := strings.Cut(err.Error(), `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func flagName(missing *pflag.NotExistError) string {
	if missing.GetSpecifiedShortnames() != "" {
		return "-" + missing.GetSpecifiedName()
	}
	return "--" + missing.GetSpecifiedName()
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, child := range cmd.Commands() {
		names = append(names, child.Name())
	}
	return names
}

// suggest ends a sentence about a name that is not there.
func suggest(prefix, name string, known []string) string {
	if closest := fault.Closest(name, known); closest != "" {
		return fmt.Sprintf("; did you mean %s%s?", prefix, closest)
	}
	return "; see --help"
}
