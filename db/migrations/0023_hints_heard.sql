-- Purpose: a hint stands from when it was heard, not from when the store had it to tell: webhooks come late, and in disorder.
-- Reversal: ALTER TABLE level_hints DROP COLUMN heard_at;

-- Programs of the release before this one leave out the column.
ALTER TABLE level_hints ADD COLUMN heard_at timestamptz NOT NULL DEFAULT now();
