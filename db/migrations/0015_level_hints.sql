-- Purpose: what a store tells of its levels is kept apart from the listings, which the engine has locked most of the time.
-- Reversal: UPDATE listings SET hinted = hint.available, hinted_at = hint.told_at FROM level_hints hint
--   WHERE (hint.merchant_id, hint.listing_id) = (listings.merchant_id, listings.listing_id); DROP TABLE level_hints;

CREATE TABLE level_hints (
    merchant_id bigint NOT NULL,
    listing_id bigint NOT NULL,
    available bigint,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, listing_id),
    FOREIGN KEY (merchant_id, listing_id) REFERENCES listings ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE level_hints IS
    'The level that a store told last of each listing, until it is read: looked into when it disagrees for long, never believed';
GRANT SELECT, INSERT, UPDATE, DELETE ON level_hints TO ordersaga_engine;

INSERT INTO level_hints (merchant_id, listing_id, available, told_at)
SELECT merchant_id, listing_id, hinted, hinted_at FROM listings WHERE hinted IS NOT NULL AND hinted_at IS NOT NULL;

-- Programs of the release before this one write them until they are replaced; nobody reads them any more.
COMMENT ON COLUMN listings.hinted IS 'Not used any more: see level_hints';
COMMENT ON COLUMN listings.hinted_at IS 'Not used any more: see level_hints';
