-- +goose Up
-- The source files that a run may have read rows from, as a JSON array: what tells later whether they were rewritten.
ALTER TABLE runs ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
