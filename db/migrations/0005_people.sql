-- Purpose: who may come in (operators and their sessions, tokens for all merchants), and answers kept for repeated commands.
-- Reversal: drop the four tables, delete the tokens of merchant 0, add the foreign key of tokens to merchants again.
--
-- merchant_id 0 in tokens, operators and their sessions means all merchants, also those that come later.

ALTER TABLE merchants ADD CONSTRAINT zero_means_all CHECK (merchant_id > 0);
ALTER TABLE tokens DROP CONSTRAINT tokens_merchant_id_fkey;

CREATE TABLE operators (
    merchant_id bigint NOT NULL CHECK (merchant_id >= 0),
    operator_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    role text NOT NULL CHECK (role IN ('read', 'operator', 'admin')),
    password text NOT NULL CHECK (password LIKE '$scrypt$%'),   -- with its parameters and salt, never the password
    created_at timestamptz NOT NULL DEFAULT now(),
    password_set_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    PRIMARY KEY (merchant_id, operator_id)
);
-- Who signs in tells a name, not a merchant.
CREATE UNIQUE INDEX operators_by_name ON operators (name);

CREATE TABLE operator_sessions (
    merchant_id bigint NOT NULL,
    session_hash text NOT NULL CHECK (session_hash ~ '^[0-9a-f]{64}$'),
    operator_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, session_hash),
    FOREIGN KEY (merchant_id, operator_id) REFERENCES operators ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX sessions_by_hash ON operator_sessions (session_hash);
CREATE INDEX sessions_of_operator ON operator_sessions (merchant_id, operator_id);
CREATE INDEX sessions_by_age ON operator_sessions (created_at);

-- Attempts to sign in that have not succeeded, by the name that was tried, whether somebody has it or not. Belongs to no merchant.
CREATE TABLE sign_in_attempts (
    merchant_id bigint NOT NULL DEFAULT 0 CHECK (merchant_id = 0),
    name_hash text NOT NULL CHECK (name_hash ~ '^[0-9a-f]{64}$'),
    attempts integer NOT NULL CHECK (attempts > 0),
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, name_hash)
) WITH (fillfactor = 50);
CREATE INDEX attempts_by_age ON sign_in_attempts (last_at);

-- A row without a status: the command is under way.
CREATE TABLE api_idempotency (
    merchant_id bigint NOT NULL REFERENCES merchants,
    principal text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    status integer CHECK (status BETWEEN 200 AND 499),
    etag text NOT NULL DEFAULT '',
    body text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, principal, idempotency_key)
) WITH (fillfactor = 70);
CREATE INDEX idempotency_by_age ON api_idempotency (claimed_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['operators', 'operator_sessions', 'sign_in_attempts', 'api_idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY engine_sees_all_merchants ON %I TO ordersaga_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format($policy$CREATE POLICY api_sees_one_merchant ON %I FOR SELECT TO ordersaga_api
            USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint)$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ordersaga_engine', name);
        -- Hashes and kept answers are none of the reading role's business.
        EXECUTE format('GRANT SELECT (merchant_id) ON %I TO ordersaga_api', name);
    END LOOP;
END
$$;
