-- Purpose: lists and counts are read by key, however many sagas there are: what orders are searched by, and how many have ended.
-- Reversal: DROP TRIGGER keep_words ON orders; DROP TRIGGER count_ended ON sagas; DROP TABLE order_words, ended_sagas;
--   DROP FUNCTION keep_words, words_of, count_ended; DROP POLICY owner_reads ON orders; DROP POLICY owner_reads ON sagas.
--
-- From here on both tables are kept; the next migration fills in what was before. So neither holds a lock for longer than a moment.

-- Both or none, so that no transaction that has one of them and wants the other waits for this one, and this one for it.
DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
            LOCK TABLE sagas IN ACCESS EXCLUSIVE MODE NOWAIT;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.01);
        END;
    END LOOP;
END
$$;

-- The words that an order is found by, each with its saga: 'name:1001' for #1001 (small letters, without the #), 'name:eu-1001'
-- and 'name:1001' for EU-1001, 'sku:SHIRT' for a line. Ids of sagas begin with the time: the newest of a word are read off the
-- end of its part of the key, a page at a time. A table of its own: an index over the lines would be written at each change
-- of an order's document, and one on a hot table might be taken by the engine's plans, which are made once.
-- No foreign key to sagas: nobody finds a saga by a word that has none, and each would be looked up at the commit.
CREATE TABLE order_words (
    merchant_id bigint NOT NULL,
    word text COLLATE "C" NOT NULL,
    saga_id uuid NOT NULL,
    PRIMARY KEY (merchant_id, word, saga_id)
);

-- A SKU of two lines twice. Of long ones the beginning, which fits into a key. The same in C++: db/kept_lists.cpp.
CREATE FUNCTION words_of(name text, document jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'name:' || left(part, 200)
      FROM ltrim(lower(name COLLATE "C"), '#') AS called,
           unnest(ARRAY[called, nullif(substring(called FROM '[0-9].*'), called)]) AS part
     WHERE part <> ''
     UNION ALL
    SELECT 'sku:' || left(coalesce(line ->> 'sku', ''), 200)
      FROM jsonb_array_elements(CASE WHEN jsonb_typeof(document -> 'lines') = 'array' THEN document -> 'lines' END) AS line
$$;

-- The engine knows all this when it writes rows, and writes it for a batch at once: it says so. The triggers serve whoever does
-- not: programs of an earlier release, which may still run, and what changes rows otherwise.
CREATE FUNCTION keep_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.saga_id IS NOT NULL THEN
        DELETE FROM order_words known
         WHERE known.merchant_id = OLD.merchant_id AND known.saga_id = OLD.saga_id
           AND known.word IN (SELECT words_of(OLD.name, OLD.document));
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.saga_id IS NOT NULL THEN
        INSERT INTO order_words (merchant_id, word, saga_id)
        SELECT NEW.merchant_id, word, NEW.saga_id FROM words_of(NEW.name, NEW.document) AS word
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_words AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW
    WHEN (current_setting('ordersaga.lists_are_kept', true) IS DISTINCT FROM 'yes') EXECUTE FUNCTION keep_words();

-- How many sagas have ended, by state: the sum over the rows. Each transaction adds its own, so that none waits for another one's
-- commit; they are added up once a minute (db/kept_lists.cpp).
CREATE TABLE ended_sagas (
    merchant_id bigint NOT NULL,
    state text NOT NULL,
    sagas bigint NOT NULL,                      -- below zero where more were opened again than ended
    entry bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (merchant_id, state, entry)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

CREATE FUNCTION count_ended() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.final, OLD.state) = (NEW.final, NEW.state) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.final THEN
        INSERT INTO ended_sagas VALUES (OLD.merchant_id, OLD.state, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.final THEN
        INSERT INTO ended_sagas VALUES (NEW.merchant_id, NEW.state, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_ended AFTER INSERT OR UPDATE OR DELETE ON sagas FOR EACH ROW
    WHEN (current_setting('ordersaga.lists_are_kept', true) IS DISTINCT FROM 'yes') EXECUTE FUNCTION count_ended();

REVOKE ALL ON FUNCTION words_of(text, jsonb), keep_words(), count_ended() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION words_of(text, jsonb), keep_words(), count_ended() TO ordersaga_engine;

-- The owner may read the two tables and write the two new ones until the next migration is through.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['order_words', 'ended_sagas'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY engine_sees_all_merchants ON %I TO ordersaga_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format($policy$CREATE POLICY api_sees_one_merchant ON %I FOR SELECT TO ordersaga_api
            USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint)$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ordersaga_engine', name);
        EXECUTE format('GRANT SELECT ON %I TO ordersaga_api', name);
    END LOOP;
END
$$;
CREATE POLICY owner_reads ON sagas FOR SELECT TO ordersaga_owner USING (true);
CREATE POLICY owner_reads ON orders FOR SELECT TO ordersaga_owner USING (true);
