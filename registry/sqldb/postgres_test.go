package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/registry/sqldb"
)

// refused opens a registry that cannot be opened.
func refused(t *testing.T, url string) error {
	t.Helper()
	db, err := sqldb.Open(t.Context(), url)
	if err == nil {
		t.Fatalf("it was opened; closing it: %v", db.Close())
	}
	if strings.Contains(err.Error(), postgrestest.Password) {
		t.Errorf("the password is in %q", err)
	}
	return err
}

func TestAPostgresURL_ThatIsWrongIsTheUsersMistakeAndSaysWhatToDo(t *testing.T) {
	server := postgrestest.Start(t)
	const user, password, plain = postgrestest.User, postgrestest.Password, "sslmode=disable"
	for name, test := range map[string]struct{ url, want string }{
		"password": {server.URLFor(user, "wrong", "postgres", plain), "does not take this user and password"},
		"user":     {server.URLFor("nobody", password, "postgres", plain), "does not take this user and password"},
		"database": {server.URLFor(user, password, "missing", plain), "make it with CREATE DATABASE"},
		"option":   {server.URLFor(user, password, "postgres", "sslmode=perhaps"), "is not a PostgreSQL URL; write"},
		"port":     {"postgres://plumb:hunter2@localhost:x/db", "is not a PostgreSQL URL; write"},
		"schemas":  {server.URLFor(user, password, "postgres", plain+"&search_path=a,b"), "must name one schema"},
		"certificate": {server.URLFor(user, password, "postgres", "sslmode=verify-full&sslrootcert=/missing.pem"),
			"a file that cannot be read: open /missing.pem"},
	} {
		err := refused(t, test.url)
		if !errors.As(err, new(*fault.InputError)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: opening it returned %v", name, err)
		}
	}
}

func TestAUserWithoutRights_IsToldAndTakesNothingForEmpty(t *testing.T) {
	server := postgrestest.Start(t)
	owner := openURL(t, server.Database())
	if _, err := owner.Apply(t.Context(), commit(0, "ada")); err != nil {
		t.Fatal(err)
	}
	server.Exec("test1", "CREATE USER reader PASSWORD 'hunter2'")
	url := server.URLFor("reader", "hunter2", "test1", "sslmode=disable")
	if err := refused(t, url); !strings.Contains(err.Error(), "the schema plumb and its tables have to be granted") {
		t.Errorf("a user without rights is told %v", err)
	}
	server.Exec("test1", "GRANT USAGE ON SCHEMA plumb TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA plumb TO reader")
	reader := openURL(t, url)
	if snapshot, err := reader.Current(t.Context(), "test"); err != nil || snapshot.Revision != 1 {
		t.Errorf("a user who may read reads %v, %v", snapshot, err)
	}
	_, err := reader.Apply(t.Context(), commit(1, ""))
	if err == nil || !strings.Contains(err.Error(), "this user may not do that") {
		t.Errorf("a user who may not write is told %v", err)
	}
	server.Exec("postgres", "CREATE DATABASE closed")
	empty := openURL(t, server.URLFor("reader", "hunter2", "closed", "sslmode=disable"))
	if snapshot, err := empty.Current(t.Context(), "test"); err != nil || snapshot.Revision != 0 {
		t.Errorf("a database without a registry is read as %v, %v", snapshot, err)
	}
	if _, err := empty.Apply(t.Context(), commit(0, "")); err == nil || !strings.Contains(err.Error(), "may not do that") {
		t.Errorf("a user who may not make tables is told %v", err)
	}
}

func TestR16_RegistriesInTwoSchemasOfADatabaseNeverMeet(t *testing.T) {
	url := postgrestest.Start(t).Database()
	one, other := openURL(t, url), openURL(t, url+"&search_path=other")
	if _, err := one.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	if snapshot, err := other.Current(t.Context(), "test"); err != nil || snapshot.Revision != 0 {
		t.Errorf("the other schema has %v, %v", snapshot, err)
	}
	if number, err := other.Apply(t.Context(), commit(0, "")); err != nil || number != 1 {
		t.Errorf("applying to it returned %d, %v", number, err)
	}
}

func TestANewerSchemaInPostgreSQL_IsRefused(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	if _, err := openURL(t, url).Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	server.Exec("test1", "INSERT INTO plumb.registry_schema (version_id, is_applied) VALUES (9999, true)")
	if err := refused(t, url); !errors.Is(err, fault.ErrNewer) || !strings.Contains(err.Error(), "/test1 was written") {
		t.Errorf("Open returned %v", err)
	}
}

func TestPostgreSQL_IsReachedOverTLSAndASocket(t *testing.T) {
	server := postgrestest.StartWith(t, postgrestest.Config{TLS: true})
	_, port, err := net.SplitHostPort(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	const user, password = postgrestest.User, postgrestest.Password
	verified := "sslmode=verify-full&sslrootcert="
	for name, url := range map[string]string{
		"TLS":    server.URLFor(user, password, "postgres", verified+server.Certificate),
		"socket": fmt.Sprintf("postgresql://%s:%s@/postgres?host=%s&port=%s", user, password, server.Folder, port),
	} {
		if _, err := openURL(t, url).Current(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	another := postgrestest.StartWith(t, postgrestest.Config{TLS: true})
	err = refused(t, server.URLFor(user, password, "postgres", verified+another.Certificate))
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "signed by unknown authority") {
		t.Errorf("a server with another certificate: %v", err)
	}
}

func TestAServerThatIsGone_IsUnavailableAndFoundAgainWhenItIsBack(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	db := openURL(t, url)
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	_, readErr := db.Current(t.Context(), "test")
	_, writeErr := db.Apply(t.Context(), commit(1, ""))
	for name, err := range map[string]error{"reading": readErr, "writing": writeErr, "opening": refused(t, url)} {
		if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), server.Address) {
			t.Errorf("%s returned %v", name, err)
		}
	}
	server.Restart()
	if number, err := db.Apply(t.Context(), commit(1, "")); err != nil || number != 2 {
		t.Errorf("afterwards Apply returned %d, %v", number, err)
	}
}

func TestAServerThatSaysNothing_IsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = refused(t, "postgres://plumb:hunter2@"+listener.Addr().String()+"/db?sslmode=disable&connect_timeout=1")
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Open returned %v", err)
	}
}

func TestAReadOnlyServer_IsReadAndSaysThatItIsNotThePrimary(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	if _, err := openURL(t, url).Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	db := openURL(t, url+"&default_transaction_read_only=on")
	if snapshot, err := db.Current(t.Context(), "test"); err != nil || snapshot.Revision != 1 {
		t.Errorf("it is read as %v, %v", snapshot, err)
	}
	if _, err := db.Apply(t.Context(), commit(1, "")); err == nil || !strings.Contains(err.Error(), "name the primary") {
		t.Errorf("Apply returned %v", err)
	}
}

// An apply waits for a lock that the test holds, so that a process is killed while its statement runs.
func TestAnApplyThatIsKilledInTheMiddle_LeavesNothing(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	db := openURL(t, url)
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	command := program(t, "apply", url)
	holder := hold(t, url)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	holder.awaitOther(t)
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	holder.release(t)
	if number, err := db.Apply(t.Context(), commit(1, "")); err != nil || number != 2 {
		t.Errorf("the next Apply returned %d, %v", number, err)
	}
}

func TestAServerThatIsKilledInTheMiddleOfAnApply_HasNothingOfIt(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	db := openURL(t, url)
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	holder := hold(t, url)
	result := make(chan error)
	go func() {
		_, err := db.Apply(t.Context(), commit(1, ""))
		result <- err
	}()
	holder.awaitOther(t)
	server.Kill()
	if err := <-result; !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Apply returned %v", err)
	}
	server.Restart()
	if snapshot, err := db.Current(t.Context(), "test"); err != nil || snapshot.Revision != 1 {
		t.Errorf("afterwards the registry has %v, %v", snapshot, err)
	}
}

// holder has a lock on the revisions that an apply has to wait for.
type holder struct {
	*sql.DB
	lock *sql.Tx
}

func hold(t *testing.T, url string) holder {
	t.Helper()
	handle, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { handle.Close() })
	lock, err := handle.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(t.Context(), "LOCK TABLE plumb.revisions IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	return holder{handle, lock}
}

// awaitOther returns once somebody waits for the lock.
func (h holder) awaitOther(t *testing.T) {
	t.Helper()
	for waiting := false; !waiting; {
		err := h.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (h holder) release(t *testing.T) {
	t.Helper()
	if err := h.lock.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatIsKilledAtAnyTime_HasEveryRevisionItAnswered(t *testing.T) {
	server := postgrestest.Start(t)
	db := openURL(t, server.Database())
	var base int64
	for answered := range 6 {
		reached, result := make(chan struct{}), make(chan int64)
		go func() { result <- applyUntilFailure(t.Context(), db, base, answered, reached) }()
		<-reached
		server.Kill()
		last := <-result
		server.Restart()
		snapshot, err := db.Current(t.Context(), "test")
		if err != nil || snapshot.Revision != last && snapshot.Revision != last+1 {
			t.Fatalf("revision %d was the last to be answered, and the registry has %v, %v", last, snapshot, err)
		}
		history, err := db.History(t.Context(), "test")
		if err != nil || int64(len(history)) != snapshot.Revision {
			t.Fatalf("at revision %d the history has %d, %v", snapshot.Revision, len(history), err)
		}
		base = snapshot.Revision
	}
}

// applyUntilFailure returns the last revision that was answered, and signals when enough revisions have been answered.
func applyUntilFailure(ctx context.Context, db *sqldb.DB, base int64, enough int, reached chan<- struct{}) int64 {
	for count := 0; ; count++ {
		if count == enough {
			close(reached)
		}
		number, err := db.Apply(ctx, commit(base, ""))
		if err != nil {
			return base
		}
		base = number
	}
}

// A file per schema version is kept, never changed: what pg_dump makes of a registry.
func TestARegistryOfSchema1InPostgreSQL_IsReadAndGoesOn(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	content, err := os.ReadFile("testdata/compat/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	server.Exec("test1", string(content))
	goesOn(t, openURL(t, url))
}
