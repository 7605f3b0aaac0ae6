package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" //nolint:depguard // A script makes a registry of a newer version by hand.
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/plumbstore/plumb/internal/cli" // So that a result is not kept when what the binary is made of changes.
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// patience bounds what a script waits for.
const patience = time.Minute

// binaries is the folder of the plumb that the scripts run.
var binaries string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "plumb-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "plumb"), ".")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// The scripts in testdata/cli drive the built binary. Besides testscript's commands they have
//
//	exits CODE COMMAND…        runs a command that has to exit with this code
//	said FILE                  compares stderr of the last command, without progress, with the file
//	said-nothing               fails if the last command wrote anything but progress to stderr
//	await REGEXP COMMAND…      runs a command again until its output matches
//	await-file GLOB            waits until a file is there
//	serving ARGUMENT…          runs plumb serve on a free port until it is ready, and sets $GRPC
//	                           with TLS if the script sets $CA to the authority that it trusts; $CERT, $KEY and
//	                           $AUTHORITY are the certificate of a server or client, its key, and its authority
//	look-up JSON               calls GetOnlineFeatures there, with $TOKEN if the script sets it, and prints the
//	                           response or the status
//	await-look-up REGEXP JSON  looks up again until what it prints matches
//	create-token ARGUMENT…     runs plumb token create, and sets $TOKEN to what it makes
//	remote plan FOLDER         calls Plan there with a folder's files, and prints as plumb plan --output json does, or
//	                           the status and the mistakes as plumb validate does
//	remote apply FOLDER        calls Apply so, and prints the changes
//	operation KIND BODY        starts an operation there over HTTP, waits for its end, and prints its state, its verdict
//	                           and its document
//	stop-serving               sends SIGTERM; the server has to drain and exit with 0
//	sqlite FILE STATEMENT      changes a SQLite file behind Plumb's back
//	redis kill, redis restart  a server at $REDIS, which redis.txtar has to itself; $STEADY_REDIS is one that lives on
//	postgres kill, postgres restart  a server with a database at $POSTGRES, which postgres.txtar has to itself
//	$S3 is a server of objects with the bucket lake, in which objects.txtar writes; tables has those of $TESTDATA
//	warehouse STATEMENT        runs a statement in a database at $WAREHOUSE of a server that pull.txtar has to itself
func TestScripts(t *testing.T) {
	redis, steady, postgres := redistest.Start(t), redistest.Start(t), postgrestest.Start(t)
	warehouse := postgrestest.Start(t)
	database, warehouseDatabase := postgres.Database(), warehouse.Database()
	lake := objectstest.Start(t)
	lake.PutFolder(t, "tables/readings", "../../testdata/iceberg/readings")
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("server")
	testdata, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/cli",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TESTDATA", testdata)
			env.Setenv("REDIS", redis.URL)
			env.Setenv("STEADY_REDIS", steady.URL)
			env.Setenv("POSTGRES", database)
			env.Setenv("WAREHOUSE", warehouseDatabase)
			env.Setenv("S3", lake.Endpoint)
			env.Setenv("S3_ACCESS", objectstest.Access)
			env.Setenv("S3_SECRET", objectstest.Secret)
			env.Setenv("CERT", cert)
			env.Setenv("KEY", key)
			env.Setenv("AUTHORITY", authority.File)
			env.Values[serverKey{}] = new(*server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":         exits,
			"said":          saidAs,
			"said-nothing":  saidNothing,
			"await":         await,
			"await-file":    awaitFile,
			"serving":       serving,
			"look-up":       lookUp,
			"await-look-up": awaitLookUp,
			"create-token":  createToken,
			"remote":        remote,
			"operation":     operation,
			"stop-serving":  stopServing,
			"push-rows":     pushRows,
			"kill-serving":  killServing,
			"sqlite":        sqlite,
			"audited":       audited,
			"redis":         faults("redis", redis),
			"postgres":      faults("postgres", postgres),
			"warehouse":     inWarehouse(warehouse),
		},
	})
}

// faults kills and restarts a server.
func faults(name string, server interface {
	Kill()
	Restart()
}) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		switch {
		case !neg && slices.Equal(args, []string{"kill"}):
			server.Kill()
		case !neg && slices.Equal(args, []string{"restart"}):
			server.Restart()
		default:
			ts.Fatalf("usage: %s kill, or %s restart", name, name)
		}
	}
}

// inWarehouse runs statements in the first database that was made on a server.
func inWarehouse(server *postgrestest.Server) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: warehouse STATEMENT")
		}
		server.Exec("test1", args[0])
	}
}

// command prepares a program as exec does.
func command(ctx context.Context, ts *testscript.TestScript, args []string) *exec.Cmd {
	path := args[0]
	if path == "plumb" {
		path = filepath.Join(binaries, "plumb")
	}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	return cmd
}

// environment is what programs see of the script's variables.
func environment(ts *testscript.TestScript) []string {
	variables := []string{"PWD=" + ts.MkAbs(".")}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "TZ", "PLUMB_REGISTRY", "PLUMB_ONLINE_STORE", "PLUMB_SERVING_TOKENS",
		"PLUMB_SERVING_AUDIT_HASH_KEY", "AUDIT_KEY", "WAREHOUSE", "PLUMB_OBJECTS_ENDPOINT", "S3_ACCESS", "S3_SECRET",
	} {
		if value := ts.Getenv(name); value != "" {
			variables = append(variables, name+"="+value)
		}
	}
	return variables
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := command(ctx, ts, args[1:])
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	fmt.Fprint(ts.Stdout(), stdout.String())
	fmt.Fprint(ts.Stderr(), stderr.String())
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await REGEXP COMMAND…")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var output []byte
	for ctx.Err() == nil {
		output, _ = command(ctx, ts, args[1:]).CombinedOutput() // A failure is an output that does not match yet.
		if want.Match(output) {
			return
		}
	}
	ts.Fatalf("%q did not come to match; the last output was\n%s", args[0], output)
}

func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await-file GLOB")
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(patience); ; {
		found, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if len(found) > 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			ts.Fatalf("%s did not come to be", args[0])
		}
	}
}

func sqlite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sqlite FILE STATEMENT")
	}
	db, err := sql.Open("sqlite3", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(errors.Join(err, db.Close()))
}

func TestTheTemplateHasTheDefinitionsOfTheFlights(t *testing.T) {
	const template, flights = "../../internal/cli/template/features", "../../testdata/nycflights/features"
	entries, err := os.ReadDir(flights)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		want, got := lines(t, flights, entry.Name()), lines(t, template, entry.Name())
		if !slices.Equal(got, want) {
			t.Errorf("%s differs from the flights':\n%s", entry.Name(), strings.Join(got, "\n"))
		}
	}
}

// lines are those of a definition file but for the schema that editors look for and what a description says of the
// data's extent.
func lines(t *testing.T, dir, name string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(content), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "# yaml-language-server") || strings.Contains(line, "description: every departure")
	})
}
