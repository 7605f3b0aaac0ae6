-- +goose Up
-- Every revision is kept whole; state is a plumb.v1.State, changes a JSON array of strings. Times are microseconds since
-- the epoch, everywhere.
CREATE TABLE revisions (
    project    TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    state      BLOB    NOT NULL,
    changes    TEXT    NOT NULL,
    applied_by TEXT    NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (project, number)
) STRICT;

-- The window (window_start, window_end] that a view has been materialized for; no beginning where window_start is null.
CREATE TABLE progress (
    project      TEXT    NOT NULL,
    view         TEXT    NOT NULL,
    generation   INTEGER NOT NULL,
    rebuild      INTEGER NOT NULL,
    window_start INTEGER,
    window_end   INTEGER NOT NULL,
    PRIMARY KEY (project, view)
) STRICT;

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project       TEXT    NOT NULL,
    view          TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    window_start  INTEGER,
    window_end    INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    outcome       TEXT    NOT NULL,
    rows_read     INTEGER NOT NULL DEFAULT 0,
    rows_written  INTEGER NOT NULL DEFAULT 0,
    rows_older    INTEGER NOT NULL DEFAULT 0,
    null_keys     INTEGER NOT NULL DEFAULT 0,
    null_times    INTEGER NOT NULL DEFAULT 0,
    error         TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX runs_by_view ON runs (project, view, id);
