package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/parity"
	"github.com/plumbstore/plumb/registry/plan"
)

type verifyFlags struct {
	services  []string
	plan      bool
	labels    string
	timestamp string
	sampling  samplingFlags
	junit     string
	html      string
}

// samplingFlags are those that apply --verify has as well. apply calls them --verify-rows and so on.
type samplingFlags struct {
	rows  int
	seed  uint64
	store string
}

func (f *samplingFlags) register(cmd *cobra.Command, prefix string) {
	set := cmd.Flags()
	set.IntVar(&f.rows, prefix+"rows", 1000, "how many label rows to sample for each service")
	set.Uint64Var(&f.seed, prefix+"seed", 1, "what is sampled: the same seed, the same label rows")
	set.StringVar(&f.store, prefix+"store", project.EmbeddedStore,
		"the throw-away online store: embedded, or the URL of a Redis; what is written there is removed")
}

func (a *application) verifyCommand() *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that training and serving agree, before anything is deployed",
		Long: "Verify takes label rows, given or sampled from the sources, joins them as training does, and plays the\n" +
			"same instants through the real materializer, a throw-away online store and the real server over gRPC.\n" +
			"Value, bit for bit, status and event time have to be the same.\n\n" +
			"Without --service it verifies all services that can be served; with --plan everything that apply would\n" +
			"change, from the definition files. Exit code 0: all agree; 1: something does not; 3: the input is wrong.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.verify(ctx, p, flags)
			})
		},
	}
	set := cmd.Flags()
	set.StringArrayVar(&flags.services, "service", nil, "a feature service to verify; all that can be served unless told")
	set.BoolVar(&flags.plan, "plan", false, "verify what apply would change, before it is applied")
	set.StringVar(&flags.labels, "labels", "", "label rows of one service: .parquet, .csv or .arrow; sampled unless told")
	set.StringVar(&flags.timestamp, "timestamp-column", "event_timestamp", "the label column with each row's time")
	set.StringVar(&flags.junit, "junit", "", "a file to write the result to as JUnit XML")
	set.StringVar(&flags.html, "html", "", "a file to write the result to as a page of HTML")
	flags.sampling.register(cmd, "")
	a.completeServices(cmd, "service")
	return cmd
}

func (a *application) verify(ctx context.Context, p *project.Project, flags verifyFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	request := flags.sampling.request()
	request.Services, request.Labels, request.TimestampColumn = flags.services, flags.labels, flags.timestamp
	if flags.plan {
		planned, err := a.planned(ctx, p)
		if err != nil {
			return err
		}
		request.Plan = planned
	}
	report, err := a.runVerification(ctx, p, request)
	if err != nil {
		return err
	}
	if err := a.writeReports(report, flags); err != nil {
		return err
	}
	if err := a.print(report, report.WriteText); err != nil {
		return err
	}
	if report.Outcome == parity.Failed {
		return errFailedCheck
	}
	return nil
}

func (f verifyFlags) check() error {
	mistakes := []error{f.sampling.check("--")}
	for _, file := range []struct{ flag, path string }{{"--junit", f.junit}, {"--html", f.html}} {
		if file.path == "" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(file.path)); err != nil || !info.IsDir() {
			mistakes = append(mistakes, fault.Inputf(file.flag, "cannot write %s: there is no folder %s", file.path,
				filepath.Dir(file.path)))
		}
	}
	if f.labels != "" {
		_, err := project.LabelFile(f.labels)
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

func (f samplingFlags) check(prefix string) error {
	if f.rows < 1 {
		return fault.Inputf(prefix+"rows", "%d label rows prove nothing; give at least 1", f.rows)
	}
	return nil
}

func (f samplingFlags) request() project.VerifyRequest {
	return project.VerifyRequest{Rows: f.rows, Seed: f.seed, Store: f.store}
}

func (a *application) runVerification(ctx context.Context, p *project.Project, request project.VerifyRequest) (
	*parity.Report, error,
) {
	shown := a.progress("preparing to verify")
	defer shown.stop()
	request.Progress = shown.report
	report, err := p.Verify(ctx, request)
	return report, inFlags(err)
}

// listen is how plumb verify starts a server. It is read-only, logs nothing and takes any free port: it lives for one
// verification, and its only client is the verification.
func listen(ctx context.Context, served project.Served) (project.Server, error) {
	return server.Listen(ctx, server.Config{
		Project: served.Project, Registry: served.Registry, Online: served.Online, Address: "127.0.0.1:0", ReadOnly: true,
		Now: served.Now, Logger: slog.New(slog.DiscardHandler), Timeout: served.Timeout,
	})
}

// writeReports writes the files that were asked for.
func (a *application) writeReports(report *parity.Report, flags verifyFlags) error {
	if flags.junit != "" {
		if err := disk.Real().Write(flags.junit, report.WriteJUnit); err != nil {
			return err
		}
	}
	if flags.html != "" {
		return report.Page("plumb verify, " + a.version).WriteFile(flags.html)
	}
	return nil
}

// beforeApply verifies what a plan would change. If that does not pass, it reports so and returns an error.
func (a *application) beforeApply(ctx context.Context, p *project.Project, planned *plan.Plan, flags samplingFlags,
) (*parity.Report, error) {
	request := flags.request()
	request.Plan = planned
	report, err := a.runVerification(ctx, p, request)
	if err != nil {
		return nil, err
	}
	if report.Outcome != parity.Failed {
		return report, nil
	}
	if a.output == jsonText {
		err = document.Write(a.Out, map[string]any{"applied": false, "verify": report})
	} else {
		err = report.WriteText(printable.To(a.Out))
		a.note("\nNothing was applied.")
	}
	return nil, errors.Join(err, errFailedCheck)
}
