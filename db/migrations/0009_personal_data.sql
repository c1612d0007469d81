-- Purpose: personal data of orders apart from everything else and sealed, one key per store, and what is asked about it.
-- Reversal: open what personal_data holds into the data of sagas that are not final, then drop the three tables, the two
--           columns and the four grants and policies on saga_history and audit.
--
-- What is sealed is sealed with AES-256-GCM (runtime/sealing.hpp). The key of a store is sealed itself, under a key that
-- the database never sees; without its row nothing of the store can be opened any more, in no backup either.

CREATE TABLE store_keys (
    merchant_id bigint NOT NULL REFERENCES merchants,
    store_id bigint NOT NULL,
    data_key_id text NOT NULL CHECK (data_key_id <> ''),
    key_id text NOT NULL CHECK (key_id <> ''),  -- of the key from outside that it is sealed under
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, store_id),
    UNIQUE (merchant_id, store_id, data_key_id)
);

-- Where an order goes and whom it belongs to; nothing else holds that. The row is gone once it was erased.
CREATE TABLE personal_data (
    merchant_id bigint NOT NULL,
    store_id bigint NOT NULL,
    order_id text NOT NULL,
    saga_id uuid NOT NULL,
    data_key_id text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (merchant_id, store_id, order_id),
    UNIQUE (merchant_id, saga_id),
    FOREIGN KEY (merchant_id, store_id, order_id) REFERENCES orders,
    FOREIGN KEY (merchant_id, store_id, data_key_id) REFERENCES store_keys (merchant_id, store_id, data_key_id)
        ON DELETE CASCADE
);

-- What stores and operators ask: to hand out what is known of some orders, or to erase it. Names no person.
CREATE TABLE privacy_requests (
    merchant_id bigint NOT NULL,
    request_id bigint GENERATED ALWAYS AS IDENTITY,
    store_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('data_request', 'customer', 'shop')),
    reference text NOT NULL DEFAULT '',         -- the store's own number of a data request
    orders text[] NOT NULL DEFAULT '{}',        -- of a customer; 'shop' means all there were at asked_at
    asked_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (merchant_id, request_id),
    FOREIGN KEY (merchant_id, store_id) REFERENCES stores
);
CREATE INDEX privacy_requests_open ON privacy_requests (asked_at) WHERE done_at IS NULL;

ALTER TABLE orders ADD COLUMN erased_at timestamptz;
-- Null: the body is not sealed, because it is empty or older than this column.
ALTER TABLE webhook_receipts ADD COLUMN data_key_id text;
GRANT SELECT (data_key_id) ON webhook_receipts TO ordersaga_api;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['store_keys', 'personal_data', 'privacy_requests'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY engine_sees_all_merchants ON %I TO ordersaga_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format($policy$CREATE POLICY api_sees_one_merchant ON %I FOR SELECT TO ordersaga_api
            USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint)$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ordersaga_engine', name);
    END LOOP;
END
$$;
GRANT SELECT (merchant_id, store_id) ON store_keys, personal_data TO ordersaga_api;
GRANT SELECT ON privacy_requests TO ordersaga_api;

-- Workers open the address of the order that they ask the warehouse for.
CREATE POLICY worker_sees_all_merchants ON store_keys FOR SELECT TO ordersaga_worker USING (true);
CREATE POLICY worker_sees_all_merchants ON personal_data FOR SELECT TO ordersaga_worker USING (true);
GRANT SELECT ON store_keys, personal_data TO ordersaga_worker;

-- What has happened is still never rewritten: the one change that the engine may make to it is to erase its free texts.
-- Of the details the numbers stay by which a refusal can be judged (SKUs and units that were short).
GRANT UPDATE (cause, note, details) ON saga_history TO ordersaga_engine;
CREATE POLICY engine_may_only_erase ON saga_history AS RESTRICTIVE FOR UPDATE TO ordersaga_engine USING (true)
    WITH CHECK (cause = 'erased' AND note = 'erased'
                AND (details = '{}' OR (details - 'event' = '{}' AND (details -> 'event') - 'short' = '{}')));
GRANT UPDATE (reason, details) ON audit TO ordersaga_engine;
CREATE POLICY engine_may_only_erase ON audit AS RESTRICTIVE FOR UPDATE TO ordersaga_engine USING (true)
    WITH CHECK (reason = 'erased' AND details = '{}');
