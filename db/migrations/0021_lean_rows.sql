-- Purpose: the rows that every order writes cost fewer index entries and no questions for their parents.
-- Reversal: the constraints, as 0001_core.sql has them; CREATE INDEX movements_of_saga ON stock_movements (merchant_id, saga_id)
--   WHERE saga_id IS NOT NULL; DROP INDEX reservations_taken; ALTER TABLE reservations DROP COLUMN taken; CREATE INDEX
--   reservations_taken ON reservations (merchant_id, sku_id, warehouse_id) WHERE held > 0 OR committed > 0;
--   DROP INDEX commands_due; CREATE INDEX commands_due ON commands (due_at) WHERE state = 'waiting';
--   ALTER TABLE webhook_receipts RESET (toast_tuple_target);
--   CREATE UNIQUE INDEX commands_by_id ON commands (command_id); ALTER TABLE commands DROP CONSTRAINT commands_pkey,
--   ADD PRIMARY KEY (merchant_id, command_id).

-- Who writes these has locked or made what they refer to, and nothing ever deletes that: no merchant, store, ledger or saga, and no
-- listing that has moved. `sagactl verify` looks for rows that refer to nothing (L4, L5, L7, L9).
ALTER TABLE sagas DROP CONSTRAINT sagas_merchant_id_fkey;
ALTER TABLE commands DROP CONSTRAINT commands_merchant_id_fkey, DROP CONSTRAINT commands_merchant_id_saga_id_fkey;
ALTER TABLE announcements DROP CONSTRAINT announcements_merchant_id_fkey;
ALTER TABLE webhook_receipts DROP CONSTRAINT webhook_receipts_merchant_id_fkey;
ALTER TABLE orders DROP CONSTRAINT orders_merchant_id_store_id_fkey, DROP CONSTRAINT orders_merchant_id_saga_id_fkey;
ALTER TABLE fulfillment_references DROP CONSTRAINT fulfillment_references_merchant_id_saga_id_fkey;
ALTER TABLE reservations DROP CONSTRAINT reservations_merchant_id_saga_id_fkey,
    DROP CONSTRAINT reservations_merchant_id_sku_id_warehouse_id_fkey;
ALTER TABLE waits DROP CONSTRAINT waits_merchant_id_saga_id_fkey;
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_merchant_id_sku_id_warehouse_id_fkey;
ALTER TABLE listing_moves DROP CONSTRAINT listing_moves_merchant_id_listing_id_fkey;

-- Nobody asks for it.
DROP INDEX movements_of_saga;

-- A command's id is unique by itself.
ALTER TABLE commands DROP CONSTRAINT commands_pkey;
ALTER TABLE commands ADD CONSTRAINT commands_pkey PRIMARY KEY USING INDEX commands_by_id;

-- It has the next instant at which something is due, and nothing else may read it: planned while hardly anything waits, lanes were
-- walked over it, all that waits in each. What is told apart by other words cannot be.
DROP INDEX commands_due;
CREATE INDEX commands_due ON commands (due_at) WHERE state || '' = 'waiting';

-- From held to committed a line stays taken: no index is written for it.
ALTER TABLE reservations ADD COLUMN taken boolean NOT NULL GENERATED ALWAYS AS (held > 0 OR committed > 0) STORED;
DROP INDEX reservations_taken;
CREATE INDEX reservations_taken ON reservations (merchant_id, sku_id, warehouse_id) WHERE taken;

-- A compressed body of two or three kilobytes lies in its row, not in pieces in a table and an index of their own.
ALTER TABLE webhook_receipts SET (toast_tuple_target = 8160);
