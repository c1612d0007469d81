-- Purpose: what a store tells of its levels is kept apart from the listings, which the engine has locked most of the time.
-- Reversal: UPDATE listings SET hinted = hint.available, hinted_at = hint.told_at FROM level_hints hint
--   WHERE (hint.merchant_id, hint.listing_id) = (listings.merchant_id, listings.listing_id); DROP TABLE level_hints;

-- The level that a store told last of each listing, until it is read. Looked into when it disagrees for long, never believed.
CREATE TABLE level_hints (
    merchant_id bigint NOT NULL,
    listing_id bigint NOT NULL,
    available bigint,                           -- null: the store does not track it
    told_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, listing_id),
    FOREIGN KEY (merchant_id, listing_id) REFERENCES listings ON DELETE CASCADE
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);
GRANT SELECT, INSERT, UPDATE, DELETE ON level_hints TO ordersaga_engine;
GRANT SELECT ON level_hints TO ordersaga_api;

-- The owner is bound by row security, too, where it is forced.
ALTER TABLE listings NO FORCE ROW LEVEL SECURITY;
INSERT INTO level_hints (merchant_id, listing_id, available, told_at)
SELECT merchant_id, listing_id, hinted, hinted_at FROM listings WHERE hinted_at IS NOT NULL;
ALTER TABLE listings FORCE ROW LEVEL SECURITY;

ALTER TABLE level_hints ENABLE ROW LEVEL SECURITY;
ALTER TABLE level_hints FORCE ROW LEVEL SECURITY;
CREATE POLICY engine_sees_all_merchants ON level_hints TO ordersaga_engine USING (true) WITH CHECK (true);
CREATE POLICY api_sees_one_merchant ON level_hints FOR SELECT TO ordersaga_api
    USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint);

-- Programs of the release before this one write them until they are replaced; nobody reads them any more.
COMMENT ON COLUMN listings.hinted IS 'Not used any more: see level_hints';
COMMENT ON COLUMN listings.hinted_at IS 'Not used any more: see level_hints';
