-- Purpose: who waits for a ledger is found by it, whatever the table held when its statements were planned.
-- Reversal: DROP INDEX waits_for_version; CREATE INDEX waits_for_stock ON waits (sku_id, warehouse_id, merchant_id, kind).

-- The table is empty and full by turns. Planned for an empty one, any index that has a column of the question in it looks as
-- good as the right one, and with thousands of sagas that wait each question read them all. This one shares no column with
-- the primary key, not even the SKU's id: each question fits one of the two.
CREATE INDEX waits_for_version ON waits ((-sku_id), version);
DROP INDEX waits_for_stock;
