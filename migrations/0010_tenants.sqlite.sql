-- Where each tenant's live domains are, and how many there: whether a tenant is in one place is two looks, however many
-- names it has. A wave writes a row a tenant here, not one a domain.
CREATE TABLE tenant_place (
    tenant   TEXT    NOT NULL,
    location TEXT    NOT NULL,
    -- None only inside a transaction.
    domains  INTEGER NOT NULL CHECK (domains >= 0),
    PRIMARY KEY (tenant, location)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenant_place_by_location ON tenant_place (location, tenant);
CREATE INDEX tenant_place_empty ON tenant_place (tenant) WHERE domains = 0;

-- Tenants in more than one place.
CREATE TABLE split_tenant (
    tenant TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tenant_place_splits AFTER INSERT ON tenant_place
WHEN EXISTS (SELECT 1 FROM tenant_place WHERE tenant = NEW.tenant AND location <> NEW.location)
BEGIN INSERT OR IGNORE INTO split_tenant (tenant) VALUES (NEW.tenant); END;

CREATE TRIGGER tenant_place_joins AFTER DELETE ON tenant_place
BEGIN
    DELETE FROM split_tenant WHERE tenant = OLD.tenant
        AND (SELECT count(*) FROM tenant_place WHERE tenant = OLD.tenant) < 2;
END;

INSERT INTO tenant_place (tenant, location, domains)
SELECT tenant, location, count(*) FROM domain WHERE tenant IS NOT NULL
GROUP BY tenant, location ORDER BY tenant, location;

-- Whether a revision holds a split that somebody asked for.
ALTER TABLE revision_log ADD COLUMN allow_split INTEGER NOT NULL DEFAULT 0 CHECK (allow_split IN (0, 1));

-- Plans from before move the names that they hold, and nothing else.
ALTER TABLE migration ADD COLUMN whole_tenants INTEGER NOT NULL DEFAULT 0 CHECK (whole_tenants IN (0, 1));

DROP TRIGGER migration_keeps_its_plan;
CREATE TRIGGER migration_keeps_its_plan BEFORE UPDATE ON migration
WHEN NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.name <> OLD.name
  OR NEW.from_location <> OLD.from_location OR NEW.to_location <> OLD.to_location
  OR NEW.freeze <> OLD.freeze OR NEW.selected <> OLD.selected
  OR NEW.eligible <> OLD.eligible OR NEW.created_at <> OLD.created_at
  OR NEW.whole_tenants <> OLD.whole_tenants
  OR (NEW.digest <> OLD.digest AND OLD.digest <> zeroblob(32))
  OR NOT (OLD.state = NEW.state
          OR (OLD.state = 'planned' AND NEW.state IN ('running', 'finalized', 'cancelled'))
          OR (OLD.state = 'running' AND NEW.state IN ('finalized', 'cancelled')))
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;

-- One more reason to leave a name out. SQLite changes no check: the table is made anew.
CREATE TABLE migration_domain_anew (
    migration     INTEGER NOT NULL REFERENCES migration (number),
    -- By wave and name, the skipped ones last.
    position      INTEGER NOT NULL CHECK (position > 0),
    fqdn          TEXT    NOT NULL,
    wave          INTEGER,
    -- What the plan saw, and what a step expects: a name that was released and registered anew is
    -- another domain.
    mode          TEXT    CHECK (mode IN ('serve', 'read_only', 'reject')),
    registered_at INTEGER,
    -- Why the plan leaves it out.
    code          TEXT    CHECK (code IN (
                      'duplicate', 'unknown-domain', 'not-at-source', 'in-another-migration',
                      'tenant-not-whole')),
    -- A rollback left it where the cutover had put it.
    stayed        INTEGER NOT NULL DEFAULT 0 CHECK (stayed IN (0, 1)),
    own_mode      TEXT    CHECK (own_mode IN ('serve', 'read_only', 'reject')),
    PRIMARY KEY (migration, position),
    CHECK ((wave IS NULL) <> (code IS NULL)),
    CHECK (wave IS NULL OR (mode IS NOT NULL AND registered_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO migration_domain_anew
    (migration, position, fqdn, wave, mode, registered_at, code, stayed, own_mode)
SELECT migration, position, fqdn, wave, mode, registered_at, code, stayed, own_mode
FROM migration_domain ORDER BY migration, position;

DROP TABLE migration_domain;
ALTER TABLE migration_domain_anew RENAME TO migration_domain;

CREATE INDEX migration_domain_by_name ON migration_domain (fqdn) WHERE wave IS NOT NULL;

CREATE TRIGGER migration_domain_keeps_its_plan BEFORE UPDATE ON migration_domain
WHEN NEW.migration <> OLD.migration OR NEW.position <> OLD.position OR NEW.fqdn <> OLD.fqdn
  OR NEW.wave IS NOT OLD.wave OR NEW.mode IS NOT OLD.mode
  OR NEW.registered_at IS NOT OLD.registered_at OR NEW.code IS NOT OLD.code
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;

CREATE TRIGGER migration_domain_is_not_deleted BEFORE DELETE ON migration_domain
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;
