-- Purpose: statements that are planned once stay good whatever the tables held when they were planned.
-- Reversal: DROP INDEX sagas_newest, waits_for_stock; CREATE INDEX sagas_newest ON sagas (merchant_id, created_at, saga_id);
--   CREATE INDEX waits_for_stock ON waits (merchant_id, kind, sku_id, warehouse_id).

-- A plan that is made while a table is empty takes any index that has the columns in it. These two had a saga's key, or the
-- beginning of it, around columns that are not given: a lookup by that key read everything of the merchant.
DROP INDEX sagas_newest;
CREATE INDEX sagas_newest ON sagas (merchant_id, created_at);
DROP INDEX waits_for_stock;
CREATE INDEX waits_for_stock ON waits (sku_id, warehouse_id, merchant_id, kind);
