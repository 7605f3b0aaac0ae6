-- +goose Up
-- Rows that were left out since a value does not fit, and the bytes of keys and rows that the store was given.
ALTER TABLE runs ADD COLUMN rows_skipped bigint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN bytes_written bigint NOT NULL DEFAULT 0;
