-- +goose Up
-- The clock of the registry, which leases run out by, in microseconds since the epoch.
CREATE VIEW registry_clock AS SELECT CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER) AS now_micros;

-- The runs that are divided into shards, as long as they are open: one of a view at the most. The plan is JSON that
-- package materialize writes and reads.
CREATE TABLE sharded_runs (
    run     INTEGER NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    view    TEXT NOT NULL,
    plan    TEXT NOT NULL,
    UNIQUE (project, view)
) STRICT;

-- A shard is free once expires_at has passed, unless it is done (1). token counts its leases. counts is a JSON object
-- of what was done.
CREATE TABLE shards (
    run        INTEGER NOT NULL,
    shard      INTEGER NOT NULL,
    token      INTEGER NOT NULL DEFAULT 0,
    holder     TEXT NOT NULL DEFAULT '',
    expires_at INTEGER NOT NULL DEFAULT 0,
    rows_given INTEGER NOT NULL DEFAULT 0,
    done       INTEGER NOT NULL DEFAULT 0,
    counts     TEXT NOT NULL DEFAULT '{}',
    problem    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, shard)
) STRICT;
