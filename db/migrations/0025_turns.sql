-- Purpose: within a lane those on whose behalf commands wait are served in turn: a store that floods does not stand before all others.
-- Reversal: DROP INDEX commands_waiting;
--   CREATE INDEX commands_waiting ON commands (merchant_id, lane, priority, due_at, command_id) WHERE state = 'waiting';
--   ALTER TABLE commands DROP COLUMN origin; ALTER TABLE lanes DROP COLUMN served_last;

-- Empty: on nobody's behalf, or stored by programs of the release before; those stand in a line of their own.
ALTER TABLE commands ADD COLUMN origin text NOT NULL DEFAULT '';
ALTER TABLE lanes ADD COLUMN served_last text NOT NULL DEFAULT '';

DROP INDEX commands_waiting;
CREATE INDEX commands_waiting ON commands (merchant_id, lane, priority, origin, due_at, command_id) WHERE state = 'waiting';
