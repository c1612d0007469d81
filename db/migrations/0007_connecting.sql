-- Purpose: where the webhooks of a store or warehouse should go, so that it can be compared with where they go.
-- Reversal: ALTER TABLE stores DROP COLUMN webhook_url; ALTER TABLE warehouses DROP COLUMN webhook_url; DELETE FROM duties
-- WHERE duty = 'CheckSubscriptions'.

ALTER TABLE stores ADD COLUMN webhook_url text NOT NULL DEFAULT '';         -- empty: nobody watches its subscriptions
ALTER TABLE warehouses ADD COLUMN webhook_url text NOT NULL DEFAULT '';
