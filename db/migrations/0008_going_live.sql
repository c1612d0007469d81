-- Purpose: stores that are only observed, before somebody decides that their orders are sent from here.
-- Reversal: switch every store to live, wait until no observed order is open, then drop the three columns.
--
-- An order made from go_live_at on is sent, one made before is not, whenever it is heard of. Those made from observed_from to
-- go_live_at were followed without being sent: another system sends them. While mode is 'observe', all are.

ALTER TABLE stores
    ADD COLUMN mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('observe', 'live')),
    ADD COLUMN mode_since timestamptz,          -- of the last change; null: since it was set up
    ADD COLUMN observed_from timestamptz;
