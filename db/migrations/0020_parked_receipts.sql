-- Purpose: webhooks that are parked are found without reading all that ever came.
-- Reversal: DROP INDEX receipts_parked.

-- No webhook that was applied is in it.
CREATE INDEX receipts_parked ON webhook_receipts (merchant_id, received_at) WHERE status = 'parked';
