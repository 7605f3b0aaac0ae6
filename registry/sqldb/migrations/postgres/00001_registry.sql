-- +goose Up
-- The same tables as in SQLite. Names compare bytewise, whatever the database's collation.
CREATE TABLE revisions (
    project    text COLLATE "C" NOT NULL,
    number     bigint           NOT NULL,
    state      bytea            NOT NULL,
    changes    text             NOT NULL,
    applied_by text             NOT NULL,
    applied_at bigint           NOT NULL,
    PRIMARY KEY (project, number)
);

CREATE TABLE progress (
    project      text COLLATE "C" NOT NULL,
    view         text COLLATE "C" NOT NULL,
    generation   bigint           NOT NULL,
    rebuild      bigint           NOT NULL,
    window_start bigint,
    window_end   bigint           NOT NULL,
    PRIMARY KEY (project, view)
);

CREATE TABLE runs (
    id            bigint           PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project       text COLLATE "C" NOT NULL,
    view          text COLLATE "C" NOT NULL,
    generation    bigint           NOT NULL,
    window_start  bigint,
    window_end    bigint           NOT NULL,
    started_at    bigint           NOT NULL,
    finished_at   bigint,
    outcome       text             NOT NULL,
    rows_read     bigint           NOT NULL DEFAULT 0,
    rows_written  bigint           NOT NULL DEFAULT 0,
    rows_older    bigint           NOT NULL DEFAULT 0,
    null_keys     bigint           NOT NULL DEFAULT 0,
    null_times    bigint           NOT NULL DEFAULT 0,
    error         text             NOT NULL DEFAULT ''
);

CREATE INDEX runs_by_view ON runs (project, view, id);
