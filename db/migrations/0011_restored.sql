-- Purpose: a database that was put back to an earlier moment knows it, and sends nothing before its peers were asked.
-- Reversal: DROP TABLE found_fulfillments, recoveries, database_seen.

-- Which database this is, as a program that starts can tell it: another cluster, timeline, database or table than last time
-- means that it was restored. Belongs to no merchant, like members.
CREATE TABLE database_seen (
    merchant_id bigint NOT NULL DEFAULT 0 CHECK (merchant_id = 0),
    identity text NOT NULL CHECK (identity <> ''),
    PRIMARY KEY (merchant_id)
);

-- A row while a merchant's part of a restored database catches up. Nothing is written to a peer before stage 'caught_up';
-- the row goes when nothing is left in found_fulfillments.
--   settling    what was sent before the restore has surely ended when this is over
--   warehouse   the warehouses are asked for every order changed since the moment that the database remembers
--   stock       their figures are read
--   orders      the stores' orders are polled since that moment
CREATE TABLE recoveries (
    merchant_id bigint NOT NULL REFERENCES merchants,
    noticed_at timestamptz NOT NULL,
    remembers_until timestamptz NOT NULL,
    stage text NOT NULL CHECK (stage IN ('settling', 'warehouse', 'stock', 'orders', 'caught_up')),
    stage_since timestamptz NOT NULL,
    PRIMARY KEY (merchant_id)
);

-- Orders at a warehouse under references of ours that the restored database does not account for, until their order is here.
CREATE TABLE found_fulfillments (
    merchant_id bigint NOT NULL REFERENCES merchants,
    reference text NOT NULL,
    order_key text NOT NULL,                    -- <store>.<order id>
    view jsonb NOT NULL,
    PRIMARY KEY (merchant_id, reference)
) WITH (fillfactor = 70);
CREATE INDEX found_by_order ON found_fulfillments (merchant_id, order_key);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['database_seen', 'recoveries', 'found_fulfillments'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY engine_sees_all_merchants ON %I TO ordersaga_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format($policy$CREATE POLICY api_sees_one_merchant ON %I FOR SELECT TO ordersaga_api
            USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint)$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ordersaga_engine', name);
        EXECUTE format('GRANT SELECT ON %I TO ordersaga_api', name);
    END LOOP;
END
$$;

-- The numbers of public events go on from where the lost ones may have ended: consumers tell repeats by them.
GRANT SELECT, UPDATE ON SEQUENCE announcements_announcement_id_seq TO ordersaga_engine;
