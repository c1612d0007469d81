-- Purpose: what the notifier has to tell, once per event and target; and a public event for every incident that is opened.
-- Reversal: DROP TRIGGER announce_incident ON incidents; DROP FUNCTION announce_incident; DROP TABLE notices.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ordersaga_notifier') THEN
        RAISE EXCEPTION 'the role ordersaga_notifier is missing: run sagactl migrate --bootstrap once more';
    END IF;
END
$$;

-- A row without an end waits for its next try at due_at. Whoever takes it moves due_at beyond the longest try, so that
-- a notifier that dies leaves it to the next.
CREATE TABLE notices (
    merchant_id bigint NOT NULL REFERENCES merchants,
    target text NOT NULL CHECK (target <> ''),
    event_id text NOT NULL CHECK (event_id <> ''),          -- the message id, which a redelivery repeats
    topic text NOT NULL,
    body jsonb NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    given_up_at timestamptz,
    last_error text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, target, event_id),
    CHECK (num_nonnulls(delivered_at, given_up_at) <= 1)
) WITH (fillfactor = 70);
CREATE INDEX notices_due ON notices (merchant_id, target, due_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX notices_given_up ON notices (merchant_id, target) WHERE given_up_at IS NOT NULL;
CREATE INDEX notices_by_age ON notices (created_at);

ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices FORCE ROW LEVEL SECURITY;
CREATE POLICY notifier_sees_all_merchants ON notices TO ordersaga_notifier USING (true) WITH CHECK (true);
CREATE POLICY engine_sees_all_merchants ON notices TO ordersaga_engine USING (true) WITH CHECK (true);
CREATE POLICY api_sees_one_merchant ON notices FOR SELECT TO ordersaga_api
    USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE, DELETE ON notices TO ordersaga_notifier, ordersaga_engine;
GRANT SELECT ON notices TO ordersaga_api;

-- Incidents are opened in several places; none can forget to tell it. The text of an incident may repeat what a peer
-- answered, so only its cause is made public.
CREATE FUNCTION announce_incident() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO announcements (merchant_id, routing_key, body)
    VALUES (NEW.merchant_id, 'incidents.opened.' || NEW.incident_id,
            jsonb_build_object(
                'schema', 1, 'merchant_id', NEW.merchant_id::text, 'incident_id', NEW.incident_id::text,
                'subject', NEW.incident_key, 'saga_id', coalesce(NEW.saga_id::text, ''), 'cause', NEW.cause,
                'at', to_char(NEW.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    RETURN NULL;
END
$$;
CREATE TRIGGER announce_incident AFTER INSERT ON incidents FOR EACH ROW EXECUTE FUNCTION announce_incident();
