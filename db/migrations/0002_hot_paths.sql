-- Purpose: indexes for what is read often, vacuum settings for what is written often, history by months.
-- Reversal: drop the indexes and the two functions; nothing is lost.

-- Sagas: the wake-up queue, and the lists that operators look at.
CREATE INDEX sagas_waking ON sagas (next_wake) WHERE next_wake IS NOT NULL;
CREATE INDEX sagas_newest ON sagas (merchant_id, created_at, saga_id);
CREATE INDEX sagas_by_state ON sagas (merchant_id, state, created_at);
CREATE INDEX sagas_with_incident ON sagas (merchant_id, updated_at) WHERE incident IS NOT NULL;
CREATE INDEX signals_of_saga ON signals (merchant_id, saga_id, signal_id);

-- Commands: closed ones, the great majority, are in none of the queues' indexes.
CREATE INDEX commands_waiting ON commands (merchant_id, lane, priority, due_at, command_id) WHERE state = 'waiting';
CREATE INDEX commands_due ON commands (due_at) WHERE state = 'waiting';
CREATE INDEX commands_in_flight ON commands (merchant_id, lane) WHERE state = 'sent';
CREATE INDEX commands_by_deadline ON commands (deadline) WHERE state = 'sent';
CREATE INDEX commands_unpublished ON commands (sent_at) WHERE state = 'sent' AND published_at IS NULL;
CREATE INDEX commands_of_saga ON commands (merchant_id, saga_id) WHERE saga_id IS NOT NULL;
-- Confirmations of the broker name the command alone.
CREATE UNIQUE INDEX commands_by_id ON commands (command_id);
-- One purpose of a saga has one command at a time.
CREATE UNIQUE INDEX one_open_command_per_key ON commands (merchant_id, saga_id, idempotency_key)
    WHERE saga_id IS NOT NULL AND state <> 'closed';

CREATE INDEX duties_due ON duties (next_due);
CREATE INDEX announcements_oldest ON announcements (announcement_id);
CREATE UNIQUE INDEX one_open_incident_per_key ON incidents (merchant_id, incident_key) WHERE closed_at IS NULL;
CREATE INDEX incidents_of_saga ON incidents (merchant_id, saga_id) WHERE saga_id IS NOT NULL;
CREATE INDEX parked_items_open ON parked_items (merchant_id, at) WHERE resolved_at IS NULL;
CREATE INDEX audit_newest ON audit (merchant_id, at);
CREATE UNIQUE INDEX tokens_by_hash ON tokens (token_hash);

-- Orders and receipts.
CREATE UNIQUE INDEX one_saga_per_order ON orders (merchant_id, saga_id) WHERE saga_id IS NOT NULL;
CREATE INDEX references_of_saga ON fulfillment_references (merchant_id, saga_id);
CREATE INDEX receipts_by_age ON webhook_receipts (received_at);
CREATE INDEX receipts_of_order ON webhook_receipts (merchant_id, store_id, order_id) WHERE order_id <> '';

-- Stock and listings.
CREATE INDEX movements_by_time ON stock_movements (merchant_id, sku_id, warehouse_id, at);
CREATE INDEX movements_of_saga ON stock_movements (merchant_id, saga_id) WHERE saga_id IS NOT NULL;
CREATE INDEX reservations_waiting ON reservations (merchant_id, sku_id, warehouse_id, queued_at) WHERE waiting > 0;
CREATE INDEX reservations_committed ON reservations (merchant_id, sku_id, warehouse_id) WHERE committed > 0;
CREATE INDEX waits_for_stock ON waits (merchant_id, kind, sku_id, warehouse_id);
CREATE INDEX components_by_part ON sku_components (merchant_id, component_sku_id);
CREATE INDEX listings_of_sku ON listings (merchant_id, sku_id);
CREATE INDEX listing_components_by_sku ON listing_components (merchant_id, sku_id);
CREATE INDEX listings_to_flush ON listings (merchant_id, store_id, target, listing_id)
    WHERE believed IS NOT NULL AND NOT wants_read AND NOT read_open AND parked = '' AND target <> believed + in_flight;
CREATE INDEX listings_to_read ON listings (merchant_id, store_id, listing_id) WHERE wants_read AND NOT read_open;

-- A listing always has its components: the parts of its bundle, or itself once. Kept here, so that no way of creating
-- a listing can forget it and no later change of a bundle can leave a listing behind.
CREATE FUNCTION compose_listing(of_merchant bigint, of_sku bigint) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH wanted AS (
        SELECT listing.merchant_id, listing.listing_id, coalesce(part.component_sku_id, listing.sku_id) AS sku_id,
               coalesce(part.quantity, 1) AS quantity
          FROM listings listing
          LEFT JOIN sku_components part
                 ON part.merchant_id = listing.merchant_id AND part.bundle_sku_id = listing.sku_id
         WHERE listing.merchant_id = of_merchant AND listing.sku_id = of_sku
    ), gone AS (
        DELETE FROM listing_components old USING listings listing
         WHERE old.merchant_id = of_merchant AND listing.merchant_id = of_merchant AND listing.sku_id = of_sku
           AND old.listing_id = listing.listing_id
           AND NOT EXISTS (SELECT FROM wanted WHERE wanted.listing_id = old.listing_id AND wanted.sku_id = old.sku_id)
    )
    INSERT INTO listing_components (merchant_id, listing_id, sku_id, quantity)
    SELECT merchant_id, listing_id, sku_id, quantity FROM wanted
    ON CONFLICT (merchant_id, listing_id, sku_id) DO UPDATE SET quantity = excluded.quantity
     WHERE listing_components.quantity <> excluded.quantity
$$;

CREATE FUNCTION listing_was_added() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM compose_listing(NEW.merchant_id, NEW.sku_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER compose AFTER INSERT OR UPDATE OF sku_id ON listings FOR EACH ROW EXECUTE FUNCTION listing_was_added();

CREATE FUNCTION bundle_was_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND EXISTS (
        SELECT FROM sku_components other
         WHERE other.merchant_id = NEW.merchant_id
           AND (other.bundle_sku_id = NEW.component_sku_id OR other.component_sku_id = NEW.bundle_sku_id)) THEN
        RAISE EXCEPTION 'a bundle may not hold a bundle' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM compose_listing(OLD.merchant_id, OLD.bundle_sku_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM compose_listing(NEW.merchant_id, NEW.bundle_sku_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER compose AFTER INSERT OR UPDATE OR DELETE ON sku_components
    FOR EACH ROW EXECUTE FUNCTION bundle_was_changed();

-- The default waits for 20 % of a table to be dead; these tables turn over many times a minute.
ALTER TABLE sagas SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE commands SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE stock SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE listings SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE listing_components SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE reservations SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE lanes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE duties SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE signals SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE waits SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE announcements SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

-- One partition of the history per month, made ahead and dropped whole. They run as the owner, because the engine owns
-- nothing. A month whose rows already lie in saga_history_rest is left there.
CREATE FUNCTION prepare_history(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    month date;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7243300420);
    FOR step IN 0 .. least(greatest(months_ahead, 0), 24) LOOP
        month := (first + make_interval(months => step))::date;
        name := 'saga_history_' || to_char(month, 'YYYYMM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF saga_history FOR VALUES FROM (%L) TO (%L)', name,
                           month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            NULL;
        END;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the partitions of months that ended more than `months` months ago; answers how many. Never fewer than 3 are kept.
CREATE FUNCTION forget_history(months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    oldest text := 'saga_history_' ||
        to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => greatest(months, 3)), 'YYYYMM');
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
                 WHERE inhparent = 'saga_history'::regclass AND child.relname ~ '^saga_history_[0-9]{6}$'
                   AND child.relname < oldest
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION prepare_history(integer), forget_history(integer), compose_listing(bigint, bigint),
    listing_was_added(), bundle_was_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prepare_history(integer), forget_history(integer), compose_listing(bigint, bigint),
    listing_was_added(), bundle_was_changed() TO ordersaga_engine;

SELECT prepare_history(2);
