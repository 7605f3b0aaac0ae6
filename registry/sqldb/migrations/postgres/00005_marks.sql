-- +goose Up
-- Which marks of the online store tell that it still has what was recorded: those of an older birth, or with a lesser
-- mark, have lost it. Both are 0 where a version without marks recorded it. last_mark is the last that was given out.
ALTER TABLE progress ADD COLUMN birth bigint NOT NULL DEFAULT 0;
ALTER TABLE progress ADD COLUMN mark bigint NOT NULL DEFAULT 0;
ALTER TABLE progress ADD COLUMN last_mark bigint NOT NULL DEFAULT 0;
