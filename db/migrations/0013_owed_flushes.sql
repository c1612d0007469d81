-- Purpose: a listing whose figures move stays in its place: no index is written for it.
-- Reversal: DROP INDEX listings_owing; ALTER TABLE listings DROP COLUMN owes_flush;
--   CREATE INDEX listings_to_flush ON listings (merchant_id, store_id, target, listing_id) WHERE believed IS NOT NULL
--   AND NOT wants_read AND NOT read_open AND parked = '' AND target <> believed + in_flight;
--   DROP INDEX commands_sent; CREATE INDEX commands_unpublished ON commands (sent_at)
--   WHERE state = 'sent' AND published_at IS NULL.

-- An update writes to every index as soon as one of them has a column in it, or in its condition, whose value changes. The
-- old index had all the figures in its condition; whether something is owed changes much less often than they do.
ALTER TABLE listings ADD COLUMN owes_flush boolean NOT NULL GENERATED ALWAYS AS
    (believed IS NOT NULL AND NOT wants_read AND NOT read_open AND parked = '' AND target <> believed + in_flight) STORED;
DROP INDEX listings_to_flush;
CREATE INDEX listings_owing ON listings (merchant_id, store_id) WHERE owes_flush;

-- Likewise the note that the broker has a command.
DROP INDEX commands_unpublished;
CREATE INDEX commands_sent ON commands (sent_at) WHERE state = 'sent';
