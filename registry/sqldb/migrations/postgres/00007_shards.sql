-- +goose Up
-- The clock of the registry, which leases run out by, in microseconds since the epoch.
CREATE VIEW registry_clock AS SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS now_micros;

-- The runs that are divided into shards, as long as they are open: one of a view at the most. The plan is JSON that
-- package materialize writes and reads.
CREATE TABLE sharded_runs (
    run     bigint NOT NULL PRIMARY KEY,
    project text NOT NULL,
    view    text NOT NULL,
    plan    text NOT NULL,
    UNIQUE (project, view)
);

-- A shard is free once expires_at has passed, unless it is done (1). token counts its leases. counts is a JSON object
-- of what was done.
CREATE TABLE shards (
    run        bigint NOT NULL,
    shard      bigint NOT NULL,
    token      bigint NOT NULL DEFAULT 0,
    holder     text NOT NULL DEFAULT '',
    expires_at bigint NOT NULL DEFAULT 0,
    rows_given bigint NOT NULL DEFAULT 0,
    done       bigint NOT NULL DEFAULT 0,
    counts     text NOT NULL DEFAULT '{}',
    problem    text NOT NULL DEFAULT '',
    PRIMARY KEY (run, shard)
);
