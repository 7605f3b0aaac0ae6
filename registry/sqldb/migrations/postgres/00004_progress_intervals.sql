-- +goose Up
-- What a view has been materialized for, as a JSON array of intervals (start, end]: an interval has no beginning where
-- its start is null. They are in ascending order, and none meets another.
ALTER TABLE progress ADD COLUMN intervals text NOT NULL DEFAULT '[]';
UPDATE progress SET intervals = '[{"start":' || coalesce(CAST(window_start AS text), 'null') ||
    ',"end":' || CAST(window_end AS text) || '}]';
ALTER TABLE progress DROP COLUMN window_start;
ALTER TABLE progress DROP COLUMN window_end;
