-- Purpose: what a listing is made of, and which versions of it its store shows, is read and written with the listing's row.
-- Reversal: UPDATE listing_components part SET composed_version = composition[at + 2], confirmed_version = composition[at + 3]
--   FROM listings, generate_subscripts(composition, 1) AS at WHERE (part.merchant_id, part.listing_id) = (listings.merchant_id,
--   listings.listing_id) AND at % 4 = 1 AND part.sku_id = composition[at]; DROP TRIGGER keep_composition ON listing_components;
--   DROP FUNCTION keep_composition; ALTER TABLE listings DROP COLUMN composition.

-- Four numbers for each component, by its SKU: the SKU, how many units, the version of its stock in the open flush, and the version
-- that the store is known to show. Which components there are, listing_components says, by which listings are found.
ALTER TABLE listings ADD COLUMN composition bigint[] NOT NULL DEFAULT '{}';

ALTER TABLE listings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE listing_components NO FORCE ROW LEVEL SECURITY;
UPDATE listings
   SET composition = made.composition
  FROM (SELECT part.merchant_id, part.listing_id, array_agg(number ORDER BY part.sku_id, place) AS composition
          FROM listing_components part,
               unnest(ARRAY[sku_id, quantity, composed_version, confirmed_version]) WITH ORDINALITY AS value (number, place)
         GROUP BY part.merchant_id, part.listing_id) made
 WHERE (listings.merchant_id, listings.listing_id) = (made.merchant_id, made.listing_id);
ALTER TABLE listings FORCE ROW LEVEL SECURITY;
ALTER TABLE listing_components FORCE ROW LEVEL SECURITY;

-- Follows setup, which changes components, and programs of an earlier release, which write the versions there. A version that is
-- known never goes back.
CREATE FUNCTION keep_composition() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    of_merchant bigint;
    of_listing bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        of_merchant := OLD.merchant_id;
        of_listing := OLD.listing_id;
    ELSE
        of_merchant := NEW.merchant_id;
        of_listing := NEW.listing_id;
    END IF;
    UPDATE listings listing
       SET composition = coalesce((
               SELECT array_agg(number ORDER BY part.sku_id, place)
                 FROM listing_components part
                 LEFT JOIN LATERAL (SELECT listing.composition[at + 2] AS composed, listing.composition[at + 3] AS confirmed
                                      FROM generate_series(1, cardinality(listing.composition), 4) AS at
                                     WHERE listing.composition[at] = part.sku_id) known ON true
                CROSS JOIN LATERAL unnest(ARRAY[part.sku_id, part.quantity, greatest(part.composed_version, known.composed),
                                                greatest(part.confirmed_version, known.confirmed)])
                           WITH ORDINALITY AS value (number, place)
                WHERE part.merchant_id = of_merchant AND part.listing_id = of_listing), '{}')
     WHERE listing.merchant_id = of_merchant AND listing.listing_id = of_listing;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION keep_composition() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_composition() TO ordersaga_engine;
CREATE TRIGGER keep_composition AFTER INSERT OR UPDATE OR DELETE ON listing_components
    FOR EACH ROW EXECUTE FUNCTION keep_composition();
