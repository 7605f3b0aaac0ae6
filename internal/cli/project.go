package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store"
)

// project is the project that a command works on. Engines are opened when they are first asked for, so that a command
// needs only what it uses.
type project struct {
	app     *application
	config  *config.Config
	closers []io.Closer

	registryEngine registryEngine
	onlineEngine   store.Online
	offlineEngine  offlineEngine
	servingEngine  servingEngine
}

// inProject loads the configuration, runs the command, and closes what that opened.
func (a *application) inProject(ctx context.Context, run func(context.Context, *project) error) error {
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
	p := &project{app: a, config: loaded}
	return errors.Join(run(ctx, p), p.close())
}

// close closes engines, the newest first.
func (p *project) close() error {
	var failures []error
	for _, closer := range slices.Backward(p.closers) {
		failures = append(failures, closer.Close())
	}
	return errors.Join(failures...)
}

func (p *project) registry(ctx context.Context) (registryEngine, error) {
	return opened(ctx, p, &p.registryEngine, openRegistry)
}

func (p *project) online(ctx context.Context) (store.Online, error) {
	return opened(ctx, p, &p.onlineEngine, func(ctx context.Context, c *config.Config) (store.Online, error) {
		return openOnline(ctx, c, p.app.now)
	})
}

func (p *project) offline(ctx context.Context) (offlineEngine, error) {
	return opened(ctx, p, &p.offlineEngine, openOffline)
}

func (p *project) serving(ctx context.Context) (servingEngine, error) {
	return opened(ctx, p, &p.servingEngine, openServing)
}

// opened opens an engine once.
func opened[T interface {
	comparable
	io.Closer
}](ctx context.Context, p *project, engine *T, open func(context.Context, *config.Config) (T, error)) (T, error) {
	var none T
	if *engine != none {
		return *engine, nil
	}
	made, err := open(ctx, p.config)
	if err != nil {
		return none, err
	}
	*engine = made
	p.closers = append(p.closers, made)
	return made, nil
}

// snapshot reads the current revision. It is an error when there is none.
func (p *project) snapshot(ctx context.Context) (*feature.Snapshot, error) {
	engine, err := p.registry(ctx)
	if err != nil {
		return nil, err
	}
	current, err := engine.Current(ctx, p.config.Project)
	if err != nil {
		return nil, err
	}
	if current.Revision == 0 {
		return nil, &fault.PreconditionError{Message: "nothing is applied yet: run plumb apply"}
	}
	return current, nil
}

// definitions reads the definition files and checks them against themselves and the sources.
func (p *project) definitions(ctx context.Context) (*plumbv1.Definitions, error) {
	offline, err := p.offline(ctx)
	if err != nil {
		return nil, err
	}
	defer p.app.progress("checking the definitions against the sources").stop()
	definitions, err := spec.Read(ctx, p.config.ProjectDir, p.config.Definitions, offline)
	if err != nil {
		return nil, err
	}
	if err := p.noteMidnights(ctx, offline, definitions); err != nil {
		return nil, err
	}
	if err := p.noteTies(ctx, offline, definitions); err != nil {
		return nil, err
	}
	return definitions, p.noteLeftOut(ctx, offline, definitions)
}

// noteMidnights tells which sources have days for event times, and say nothing of when their rows were known.
func (p *project) noteMidnights(ctx context.Context, offline offlineEngine, definitions *plumbv1.Definitions) error {
	resolved := feature.ResolveSources(definitions.GetSources())
	for _, definition := range definitions.GetSources() {
		found, err := offline.AtMidnights(ctx, resolved[definition.GetName()])
		if err != nil {
			return err
		}
		if found {
			p.app.note("source %s: all event times are midnights, so a row of a day counts as known when that day begins; "+
				"where it describes the whole day, declare created_timestamp, or add the delay in a SQL source",
				definition.GetName())
		}
	}
	return nil
}

// noteTies tells which queries may give other rows from one run to the next.
func (p *project) noteTies(ctx context.Context, offline offlineEngine, definitions *plumbv1.Definitions) error {
	resolved := feature.ResolveSources(definitions.GetSources())
	for _, definition := range definitions.GetSources() {
		ties, err := offline.Ties(ctx, resolved[definition.GetName()])
		if err != nil {
			return err
		}
		if len(ties) > 0 {
			p.app.note("source %s: where rows tie in the order that %s goes by, the result may depend on the order of rows, "+
				"which differs from run to run; order by columns that tell all rows apart", definition.GetName(),
				strings.Join(ties, " or "))
		}
	}
	return nil
}

// noteLeftOut tells which files in the folders of sources are not read, since their names end in another way.
func (p *project) noteLeftOut(ctx context.Context, offline offlineEngine, definitions *plumbv1.Definitions) error {
	resolved := feature.ResolveSources(definitions.GetSources())
	for _, definition := range definitions.GetSources() {
		source := resolved[definition.GetName()]
		files, err := offline.LeftOut(ctx, source)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			continue
		}
		const most = 5
		names := strings.Join(files[:min(len(files), most)], ", ")
		if len(files) > most {
			names += ", …"
		}
		p.app.note("source %s does not read %s in %s whose names have other endings: %s", source.Name,
			english.Plural(len(files), "file", ""), source.Path, names)
	}
	return nil
}

// plan compares the definition files with what is registered.
func (p *project) plan(ctx context.Context) (*plan.Plan, error) {
	desired, err := p.definitions(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := p.registry(ctx)
	if err != nil {
		return nil, err
	}
	current, err := engine.Current(ctx, p.config.Project)
	if err != nil {
		return nil, err
	}
	return plan.New(current, desired), nil
}

func (p *project) materializer(ctx context.Context, told func(view string, rows int64),
) (*materialize.Materializer, error) {
	offline, err := p.offline(ctx)
	if err != nil {
		return nil, err
	}
	online, err := p.online(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := p.registry(ctx)
	if err != nil {
		return nil, err
	}
	return materialize.New(materialize.Config{
		Offline:   offline,
		Online:    online,
		Ledger:    ledger,
		Registry:  ledger,
		TempDir:   p.config.Offline.TempDir,
		LogFolder: func(path string) (string, error) { return logFolder(p.config, path) },
		Now:       p.app.now,
		Retention: p.config.OnlineRetention,
		Progress:  told,
	}), nil
}
