-- +goose Up
-- The tiles of the states that the store was given, of a view with aggregations.
ALTER TABLE runs ADD COLUMN tiles_written bigint NOT NULL DEFAULT 0;
