-- Purpose: the credentials of stores and warehouses, sealed, so that they are renewed and replaced while everything runs.
-- Reversal: give the workers tokens in their own settings again, then DROP TABLE credential_secrets, credentials.
--
-- What is secret stands in credential_secrets alone, sealed with AES-256-GCM under a key that the database never sees
-- (runtime/sealing.hpp), bound to merchant, subject and kind: a row that was copied to another store does not open there.

CREATE TABLE credentials (
    merchant_id bigint NOT NULL REFERENCES merchants,
    subject text NOT NULL GENERATED ALWAYS AS (coalesce('store:' || store_key, 'warehouse:' || warehouse_key)) STORED,
    store_key text,
    warehouse_key text,
    way text NOT NULL CHECK (way IN ('static', 'client_credentials', 'authorization_code')),
    client_id text NOT NULL DEFAULT '',
    scopes text[] NOT NULL DEFAULT '{}',        -- what the peer has granted, as of scopes_checked_at
    scopes_checked_at timestamptz,
    version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),     -- of the access token; 0: there was none yet
    refused_version bigint,                     -- a worker's word: the peer refused the token of this version
    obtained_at timestamptz,
    expires_at timestamptz,                     -- of the access token; null: never
    renew_at timestamptz,
    retry_at timestamptz,                       -- after a failed renewal
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_error text NOT NULL DEFAULT '',
    claim text NOT NULL DEFAULT '',             -- who renews it just now, so that there is one
    claimed_until timestamptz,
    state_hash text,                            -- of the state that an authorization under way must bring back
    state_expires_at timestamptz,
    PRIMARY KEY (merchant_id, subject),
    FOREIGN KEY (merchant_id, store_key) REFERENCES stores (merchant_id, key),
    FOREIGN KEY (merchant_id, warehouse_key) REFERENCES warehouses (merchant_id, key),
    CHECK (num_nonnulls(store_key, warehouse_key) = 1),
    CHECK ((way = 'static') = (client_id = '')),
    CHECK (way <> 'static' OR (expires_at IS NULL AND renew_at IS NULL)),
    CHECK ((state_hash IS NULL) = (state_expires_at IS NULL))
);

CREATE TABLE credential_secrets (
    merchant_id bigint NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('access_token', 'refresh_token', 'client_secret')),
    key_id text NOT NULL CHECK (key_id <> ''),
    sealed bytea NOT NULL,
    PRIMARY KEY (merchant_id, subject, kind),
    FOREIGN KEY (merchant_id, subject) REFERENCES credentials ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['credentials', 'credential_secrets'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY engine_sees_all_merchants ON %I TO ordersaga_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format($policy$CREATE POLICY api_sees_one_merchant ON %I FOR SELECT TO ordersaga_api
            USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint)$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ordersaga_engine', name);
    END LOOP;
END
$$;

GRANT SELECT (merchant_id, subject, store_key, warehouse_key, way, client_id, scopes, scopes_checked_at, version, obtained_at,
              expires_at, renew_at, failures, last_error) ON credentials TO ordersaga_api;
GRANT SELECT (merchant_id, subject, kind, key_id) ON credential_secrets TO ordersaga_api;

-- The workers' one window into the database: the tokens they call with, and a mark that one was refused. Neither what renews
-- a token nor anything else.
CREATE POLICY worker_sees_all_merchants ON credentials FOR SELECT TO ordersaga_worker USING (true);
CREATE POLICY worker_marks_refusals ON credentials FOR UPDATE TO ordersaga_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_sees_access_tokens ON credential_secrets FOR SELECT TO ordersaga_worker USING (kind = 'access_token');
GRANT SELECT (merchant_id, subject, version, expires_at, refused_version), UPDATE (refused_version)
    ON credentials TO ordersaga_worker;
GRANT SELECT ON credential_secrets TO ordersaga_worker;
