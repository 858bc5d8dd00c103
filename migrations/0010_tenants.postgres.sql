-- Where each tenant's live domains are, and how many there: whether a tenant is in one place is two looks, however many
-- names it has. A wave writes a row a tenant here, not one a domain.
CREATE TABLE tenant_place (
    tenant   text   COLLATE "C" NOT NULL,
    location text   COLLATE "C" NOT NULL,
    -- None only inside a transaction.
    domains  bigint NOT NULL CHECK (domains >= 0),
    PRIMARY KEY (tenant, location)
);

CREATE INDEX tenant_place_by_location ON tenant_place (location, tenant);
CREATE INDEX tenant_place_empty ON tenant_place (tenant) WHERE domains = 0;

-- Tenants in more than one place.
CREATE TABLE split_tenant (
    tenant text COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE FUNCTION tenant_place_splits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO split_tenant (tenant)
    SELECT DISTINCT a.tenant FROM added a WHERE EXISTS (
        SELECT FROM tenant_place p WHERE p.tenant = a.tenant AND p.location <> a.location)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER tenant_place_splits AFTER INSERT ON tenant_place
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tenant_place_splits();

CREATE FUNCTION tenant_place_joins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM split_tenant s USING gone g WHERE s.tenant = g.tenant
        AND (SELECT count(*) FROM tenant_place p WHERE p.tenant = g.tenant) < 2;
    RETURN NULL;
END $$;

CREATE TRIGGER tenant_place_joins AFTER DELETE ON tenant_place
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tenant_place_joins();

INSERT INTO tenant_place (tenant, location, domains)
SELECT tenant, location, count(*) FROM domain WHERE tenant IS NOT NULL
GROUP BY tenant, location ORDER BY tenant, location;

-- Whether a revision holds a split that somebody asked for. No default is left: a node of an older release, which counts
-- no places, can't write any more.
ALTER TABLE revision_log ADD COLUMN allow_split bigint NOT NULL DEFAULT 0 CHECK (allow_split IN (0, 1));
ALTER TABLE revision_log ALTER COLUMN allow_split DROP DEFAULT;

-- Plans from before move the names that they hold, and nothing else.
ALTER TABLE migration ADD COLUMN whole_tenants boolean NOT NULL DEFAULT false;

DROP TRIGGER migration_keeps_its_plan ON migration;
CREATE TRIGGER migration_keeps_its_plan BEFORE UPDATE ON migration
FOR EACH ROW WHEN (
    NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.name <> OLD.name
    OR NEW.from_location <> OLD.from_location OR NEW.to_location <> OLD.to_location
    OR NEW."freeze" <> OLD."freeze" OR NEW.selected <> OLD.selected
    OR NEW.eligible <> OLD.eligible OR NEW.created_at <> OLD.created_at
    OR NEW.whole_tenants <> OLD.whole_tenants
    OR (NEW.digest <> OLD.digest AND OLD.digest <> decode(repeat('00', 32), 'hex'))
    OR NOT (OLD.state = NEW.state
            OR (OLD.state = 'planned' AND NEW.state IN ('running', 'finalized', 'cancelled'))
            OR (OLD.state = 'running' AND NEW.state IN ('finalized', 'cancelled'))))
EXECUTE FUNCTION registry_refuse('a migration keeps its plan');

-- One more reason to leave a name out.
ALTER TABLE migration_domain DROP CONSTRAINT migration_domain_code_check;
ALTER TABLE migration_domain ADD CONSTRAINT migration_domain_code_check CHECK (code IN (
    'duplicate', 'unknown-domain', 'not-at-source', 'in-another-migration', 'tenant-not-whole'));
