package materialize_test

import (
	"context"
	"database/sql"

	"github.com/plumbstore/plumb/materialize"
)

// materialized makes a world whose store has one row, and has been materialized through the clock. The next run has a
// window without rows.
func (w *world) materialized() {
	w.source = append(w.source, seen(at(10), 1, 100))
	w.mayLose = true
	if err := w.settle(); err != nil {
		w.t.Fatal(err)
	}
	w.clock = at(13)
}

// lose removes all that the store has of the world, behind the product's back.
func (w *world) lose() {
	must(w.online.Remove(context.Background(), w.project, "price"))(w.t)
}

// losesRows has a store that is flushed, and a push and a run about that time.
func losesRows(w *world) []*process {
	w.materialized()
	return []*process{
		{name: "store", body: func(*process) { w.lose() }},
		{name: "run", body: func(p *process) { w.materialize(p, w.view()) }},
		{name: "serve", coarse: true, body: func(p *process) {
			pusher := w.pusher(p)
			_ = w.push(pusher, w.view(), at(9), 2)
			p.gate("end")
			w.tell("end: %v", pusher.Close())
		}},
	}
}

// losesFirstRows has two first runs, which begin the table, and a store that is flushed meanwhile.
func losesFirstRows(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	w.mayLose = true
	return []*process{
		{name: "store", body: func(*process) { w.lose() }},
		{name: "run", body: func(p *process) { w.materialize(p, w.view()) }},
		{name: "other", coarse: true, body: func(p *process) { w.materialize(p, w.view()) }},
	}
}

// oldSnapshot has a store that is started anew with what it had before the last run.
func oldSnapshot(w *world) []*process {
	w.materialized()
	w.inFile(`INSERT INTO packed_rows SELECT -owner, key, precedence, body FROM packed_rows JOIN tables ON owner = id
		WHERE project = ?`)
	w.source = append(w.source, seen(at(12.5), 2, 200))
	must(w.materializer(nil).Run(context.Background(), w.view(), materialize.Request{To: w.clock}))(w.t)
	w.clock = at(14)
	return []*process{
		{name: "store", body: func(*process) {
			w.inFile("DELETE FROM packed_rows WHERE owner IN (SELECT id FROM tables WHERE project = ?)")
			w.inFile(`INSERT INTO packed_rows SELECT -owner, key, precedence, body FROM packed_rows JOIN tables ON -owner = id
				WHERE project = ?`)
			w.restarts++
		}},
		{name: "run", body: func(p *process) { w.materialize(p, w.view()) }},
		{name: "serve", coarse: true, body: func(p *process) {
			pusher := w.pusher(p)
			_ = w.push(pusher, w.view(), at(9), 2)
			p.gate("end")
			w.tell("end: %v", pusher.Close())
		}},
	}
}

// inFile does something to the rows of the world in the store's file, behind the product's back.
func (w *world) inFile(statement string) {
	db := must(sql.Open("sqlite3", w.file))(w.t)
	defer db.Close()
	must(db.Exec(statement, w.project))(w.t)
}
