-- Purpose: who has read what a merchant sells knows whether it still holds.
-- Reversal: DROP TRIGGER catalogue_changed ON each of skus, sku_components, listings, listing_components;
--   DROP FUNCTION catalogue_changed; DROP TABLE catalogue_versions;

-- One more for each transaction that changes SKUs, bundles or which listings there are; no row: none has yet. What changes
-- refers to its merchant itself.
CREATE TABLE catalogue_versions (
    merchant_id bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (merchant_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue_versions TO ordersaga_engine;
GRANT SELECT ON catalogue_versions TO ordersaga_api;
ALTER TABLE catalogue_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalogue_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY engine_sees_all_merchants ON catalogue_versions TO ordersaga_engine USING (true) WITH CHECK (true);
CREATE POLICY api_sees_one_merchant ON catalogue_versions FOR SELECT TO ordersaga_api
    USING (merchant_id = nullif(current_setting('ordersaga.merchant', true), '')::bigint);

-- A version is seen together with all that its transaction has changed, so the first row that changes is enough: thousands of
-- updates of one row in one transaction would each walk over those before.
CREATE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO catalogue_versions AS known (merchant_id, version)
    VALUES (CASE TG_OP WHEN 'DELETE' THEN OLD.merchant_id ELSE NEW.merchant_id END, 1)
        ON CONFLICT (merchant_id) DO UPDATE SET version = known.version + 1
     WHERE known.xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION catalogue_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION catalogue_changed() TO ordersaga_engine;

CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON skus
    FOR EACH ROW EXECUTE FUNCTION catalogue_changed();
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON sku_components
    FOR EACH ROW EXECUTE FUNCTION catalogue_changed();
-- Not the figures: those change with every order.
CREATE TRIGGER catalogue_changed
    AFTER INSERT OR UPDATE OF store_id, sku_id, variant_id, inventory_item_id, location_id OR DELETE ON listings
    FOR EACH ROW EXECUTE FUNCTION catalogue_changed();
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OF sku_id, quantity OR DELETE ON listing_components
    FOR EACH ROW EXECUTE FUNCTION catalogue_changed();
