-- Purpose: see from a store's list of orders, without their documents, which of them are known as they stand there.
-- Reversal: ALTER TABLE orders DROP COLUMN stamp;

-- Empty: no document yet, or written by programs of the release before; such an order is read.
ALTER TABLE orders ADD COLUMN stamp text NOT NULL DEFAULT '';
