-- Purpose: a reading of all that a warehouse has writes its time once, not to each ledger that it confirms.
-- Reversal: UPDATE stock SET read_asked_at = greatest(stock.read_asked_at, warehouses.read_asked_at) FROM warehouses
--   WHERE mirrored AND (warehouses.merchant_id, warehouses.warehouse_id) = (stock.merchant_id, stock.warehouse_id);
--   ALTER TABLE stock DROP COLUMN mirrored; ALTER TABLE warehouses DROP COLUMN read_asked_at.

-- When the newest reading of everything was asked for. A ledger in it is `mirrored`, and was read then, whatever its own
-- read_asked_at says; one that such a reading did not tell of, or that was left as it was, keeps its own time.
ALTER TABLE warehouses ADD COLUMN read_asked_at timestamptz;
ALTER TABLE stock ADD COLUMN mirrored boolean NOT NULL DEFAULT false;
