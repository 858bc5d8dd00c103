-- What lists filter by, where an index costs a wave nothing: a tenant doesn't change when its domains
-- move. Locations and modes have none: a wave of a million would write each index twice a row. Lists by
-- those walk the table in steps (docs/architecture.md).
CREATE INDEX domain_by_tenant ON domain (tenant, fqdn) WHERE tenant IS NOT NULL;

-- Migrations in one state, newest first, however many there have been.
CREATE INDEX migration_by_state ON migration (state, number);

-- The tokens that open anything: revoked ones stay for ever.
CREATE INDEX token_live ON token (id) WHERE revoked_at IS NULL;
