-- Purpose: the words of orders and the counts of ended sagas that were there before migration 18.
-- Reversal: that of migration 18, without the policies.

-- Of what moves meanwhile, its own transaction keeps words and counts. The count is what one statement sees: all that have ended,
-- without those that were counted when they did.
INSERT INTO ended_sagas (merchant_id, state, sagas)
SELECT merchant_id, state, sum(sagas)
  FROM (SELECT merchant_id, state, count(*) AS sagas FROM sagas WHERE final GROUP BY merchant_id, state
        UNION ALL
        SELECT merchant_id, state, -sagas FROM ended_sagas) both_ways
 GROUP BY merchant_id, state;

-- In the sequence of the key, so that its index grows at one end.
INSERT INTO order_words (merchant_id, word, saga_id)
SELECT merchant_id, word, saga_id FROM orders, words_of(name, document) AS word WHERE saga_id IS NOT NULL
 ORDER BY merchant_id, word, saga_id
ON CONFLICT DO NOTHING;

-- Who changed an order meanwhile could not take away words that nobody saw yet. The locks are taken as in migration 18. (Without
-- its figures the planner would look for each order in all of the words.)
ANALYZE order_words;
DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
            LOCK TABLE sagas, order_words, ended_sagas IN ACCESS EXCLUSIVE MODE NOWAIT;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.01);
        END;
    END LOOP;
END
$$;
DELETE FROM order_words known USING orders
 WHERE known.merchant_id = orders.merchant_id AND known.saga_id = orders.saga_id
   AND greatest(orders.updated_at, orders.erased_at) > now() - interval '10 minutes'
   AND NOT EXISTS (SELECT FROM words_of(orders.name, orders.document) AS word WHERE word = known.word);

DROP POLICY owner_reads ON sagas;
DROP POLICY owner_reads ON orders;
ALTER TABLE order_words FORCE ROW LEVEL SECURITY;
ALTER TABLE ended_sagas FORCE ROW LEVEL SECURITY;
