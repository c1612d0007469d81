-- Purpose: the orchestrators that are alive, so that each outcome shard has one owner.
-- Reversal: DROP TABLE members; one orchestrator needs no list.
--
-- Belongs to no merchant: the key's first column is a constant, so that row security reads like everywhere else.

CREATE TABLE members (
    merchant_id bigint NOT NULL DEFAULT 0 CHECK (merchant_id = 0),
    member_id text NOT NULL CHECK (member_id <> ''),
    beat_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, member_id)
) WITH (fillfactor = 50);

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE POLICY engine_sees_all_merchants ON members TO ordersaga_engine USING (true) WITH CHECK (true);
CREATE POLICY api_sees_one_merchant ON members FOR SELECT TO ordersaga_api
    USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO ordersaga_engine;
GRANT SELECT ON members TO ordersaga_api;
