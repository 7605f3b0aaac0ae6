// Package cli is the plumb command: it reads flags, opens the project that they name, and prints the result.
//
// Results go to stdout; messages, questions and progress go to stderr. With --output json, stdout carries one JSON
// document, or one a line if a command streams. A failure is a document of its own there too: {"error": …}. Only
// errors.go decides what an error looks like and which exit code it has. What a command does is a use case of
// internal/project.
//
// A command is made of the same parts everywhere: a type with its flags; a method that makes the cobra command; a
// method that turns the flags into a request, naming everything that is wrong with them by flag; the call of the use
// case; and a function that writes the result for people. The result's JSON needs no function of its own: print writes
// the value itself. So what people read and what programs read cannot come from different data.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
)

// Streams are what commands read from and write to.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// application is what all commands share. Only its flags change it.
type application struct {
	// Streams escape what is not printable; with the line ends in what is a part of a line, printable.Writer does so.
	Streams
	// screen is what Err writes to, if that is a file.
	screen  *os.File
	version string
	now     func() time.Time
	// ticks is a ticker: its channel, and what stops it.
	ticks     func(every time.Duration) (<-chan time.Time, func())
	output    format
	overrides config.Overrides
	// started says that the flags and arguments were right and the command itself runs: what fails before is a mistake
	// in the command line.
	started bool
}

// Main runs the command line and returns the exit code. The first SIGINT or SIGTERM cancels what runs, so that it can
// leave everything consistent; a second one kills.
func Main(version string, args []string, streams Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	screen, _ := streams.Err.(*os.File)
	a := &application{
		Streams: Streams{In: streams.In, Out: printable.Stream(streams.Out), Err: printable.Stream(streams.Err)},
		screen:  screen,
		version: version,
		now:     time.Now, //nolint:forbidigo // This is where the clock is injected.
		ticks:   newTicks,
		output:  outputOf(args),
	}
	return a.finish(ctx, a.execute(ctx, args))
}

func (a *application) execute(ctx context.Context, args []string) error {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.started {
		return usageError(cmd, err)
	}
	return err
}

func (a *application) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "plumb",
		Short: "A feature store whose training sets and online look-ups agree",
		Long: "Plumb is a feature store: feature definitions, registered once, drive point-in-time joins over Parquet for\n" +
			"training, and materialization into an online store for look-ups.\n\n" +
			"Exit codes: 0 fine; 1 a fault; 2 plan --detailed-exitcode found changes; 3 the input is wrong.\n" +
			"With --output json, stdout has one JSON document, or one a line; an error is one too: {\"error\": …}.",
		Version:            a.version,
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true,
	}
	root.PersistentFlags().Var(&a.output, "output", "how results are printed: text or json")
	a.overrides.Register(root.PersistentFlags())
	root.AddCommand(
		a.initCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(),
		a.listCommand(), a.showCommand(), a.historyCommand(),
		a.pullCommand(), a.historicalCommand(), a.datasetCommand(),
		a.materializeCommand(), a.pushCommand(), a.onlineCommand(), a.serveCommand(),
		a.verifyCommand(), a.auditCommand(), a.onlineStoreCommand(), a.teardownCommand(), a.statusCommand(),
		a.tokenCommand(), a.versionCommand(),
	)
	for _, cmd := range root.Commands() {
		if cmd.HasSubCommands() {
			cmd.Args, cmd.RunE = knownCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	a.markStart(root)
	return root
}

// knownCommand refuses a word that is not a subcommand, as cobra does for the root command alone. Without a word, the
// command prints its help.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	return nil
}

// markStart marks the start of a command and of its subcommands, if they do anything themselves.
func (a *application) markStart(cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		a.markStart(child)
	}
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		return run(cmd, args)
	}
}

// inProject loads the configuration, runs the command, and closes what that opened.
func (a *application) inProject(ctx context.Context, run func(context.Context, *project.Project) error) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	loaded, err := config.Load(dir, &a.overrides, func(variable string) string {
		asked[variable] = true
		return os.Getenv(variable)
	})
	for _, warning := range config.MisspeltVariables(os.Environ(), asked) {
		a.note("warning: %s", warning)
	}
	if err != nil {
		return err
	}
	limitMemory(loaded.Offline)
	p := project.Open(loaded, project.Options{
		Now: a.now, Version: a.version, Listen: listen, Warn: func(err error) { a.note("%v", err) },
	})
	return errors.Join(run(ctx, p), p.Close())
}
