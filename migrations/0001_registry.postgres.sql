-- The registry's first schema, for PostgreSQL: the same rules as 0001_registry.sqlite.sql. A released
-- file is never edited; the next one is added.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z. Names are canonical: lower-case A-labels. Text
-- that is sorted or compared has the collation "C": octet by octet, as in every other copy.
--
-- Rules over many rows are triggers of statements, not of rows: a wave writes a hundred thousand
-- rows at once.

CREATE FUNCTION registry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Where the log ends. One row, locked by whoever writes: so revisions have no gaps, and the order of
-- their numbers is that of their commits. A sequence would hand numbers out before commits.
CREATE TABLE head (
    id       bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch    text   COLLATE "C" NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64),
    revision bigint NOT NULL CHECK (revision >= 0),
    digest   bytea  NOT NULL CHECK (length(digest) = 32),
    at       bigint NOT NULL
);

CREATE TRIGGER head_is_one_row BEFORE DELETE OR TRUNCATE ON head
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('the head is never deleted');

-- Where a domain can be hosted.
CREATE TABLE location (
    name                text    COLLATE "C" NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,63}$'),
    upstream            text    NOT NULL CHECK (length(upstream) BETWEEN 8 AND 2048),
    accepts_signups     boolean NOT NULL,
    default_for_signups boolean NOT NULL,
    revision            bigint  NOT NULL CHECK (revision >= 0)
);

CREATE UNIQUE INDEX location_one_default ON location (default_for_signups) WHERE default_for_signups;

-- `.invalid` (RFC 2606) never resolves: an upstream that nobody has set fails in plain sight.
INSERT INTO location (name, upstream, accepts_signups, default_for_signups, revision) VALUES
    ('japan', 'http://japan.invalid', true, true, 0),
    ('aws',   'http://aws.invalid',   true, false, 0);

-- Live domains.
CREATE TABLE domain (
    fqdn          text   COLLATE "C" NOT NULL PRIMARY KEY
                  CHECK (length(fqdn) BETWEEN 3 AND 253 AND fqdn ~ '^[a-z0-9.-]+$'),
    location      text   COLLATE "C" NOT NULL,
    mode          text   COLLATE "C" NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant        text   COLLATE "C" CHECK (length(tenant) BETWEEN 1 AND 200),
    revision      bigint NOT NULL CHECK (revision > 0),
    registered_at bigint NOT NULL,
    changed_at    bigint NOT NULL CHECK (changed_at >= registered_at)
) WITH (fillfactor = 85);

-- Domains that were let go: in quarantine until available_at, and restorable as they were.
CREATE TABLE released_domain (
    fqdn          text   COLLATE "C" NOT NULL PRIMARY KEY,
    location      text   COLLATE "C" NOT NULL,
    mode          text   COLLATE "C" NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant        text   COLLATE "C" CHECK (length(tenant) BETWEEN 1 AND 200),
    revision      bigint NOT NULL CHECK (revision > 0),
    registered_at bigint NOT NULL,
    released_at   bigint NOT NULL,
    available_at  bigint NOT NULL CHECK (available_at >= released_at)
);

CREATE INDEX released_domain_by_location ON released_domain (location, available_at);

-- A name is live or released, never both; and a domain's location is one that there is. A foreign key
-- would ask for each row.
CREATE FUNCTION domain_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT'
       AND EXISTS (SELECT FROM added a JOIN released_domain r ON r.fqdn = a.fqdn) THEN
        RAISE EXCEPTION 'the name is released' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT location FROM added) a
               WHERE NOT EXISTS (SELECT FROM location l WHERE l.name = a.location)) THEN
        RAISE EXCEPTION 'there is no such location' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER domain_fits_when_added AFTER INSERT ON domain
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION domain_fits();
CREATE TRIGGER domain_fits_when_changed AFTER UPDATE ON domain
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION domain_fits();

CREATE FUNCTION location_is_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM domain d WHERE d.location = OLD.name) THEN
        RAISE EXCEPTION 'domains are there' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER location_is_free BEFORE DELETE ON location
FOR EACH ROW EXECUTE FUNCTION location_is_free();
CREATE TRIGGER location_keeps_its_name BEFORE UPDATE ON location
FOR EACH ROW WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION registry_refuse('a location keeps its name');

CREATE FUNCTION released_domain_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN domain d ON d.fqdn = a.fqdn) THEN
        RAISE EXCEPTION 'the name is live' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER released_domain_is_not_live AFTER INSERT ON released_domain
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION released_domain_fits();

-- A name is a domain's identity: to another name it is released here and registered there.
CREATE TRIGGER domain_keeps_its_name BEFORE UPDATE ON domain
FOR EACH ROW WHEN (NEW.fqdn <> OLD.fqdn OR NEW.registered_at <> OLD.registered_at)
EXECUTE FUNCTION registry_refuse('a domain keeps its name');

-- The log: one row a revision, one row a change in it. Names of tokens and locations are copied in,
-- so that history reads the same after they are gone.
CREATE TABLE revision_log (
    revision        bigint NOT NULL PRIMARY KEY CHECK (revision > 0),
    epoch           text   COLLATE "C" NOT NULL,
    at              bigint NOT NULL,
    actor_token     text   COLLATE "C" NOT NULL,
    actor_name      text   NOT NULL,
    actor_role      text   COLLATE "C" NOT NULL
                    CHECK (actor_role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    reason          text   CHECK (length(reason) <= 500),
    ticket          text   CHECK (length(ticket) <= 100),
    request_id      text   NOT NULL CHECK (length(request_id) <= 128),
    migration       text   COLLATE "C",
    wave            bigint CHECK (wave > 0),
    override_reason text   CHECK (length(override_reason) <= 500),
    change_count    bigint NOT NULL CHECK (change_count > 0),
    -- SHA-256 over the digest before, this row and its changes; docs/history.md has the encoding.
    digest          bytea  NOT NULL CHECK (length(digest) = 32)
);

CREATE INDEX revision_log_by_actor ON revision_log (actor_token, revision);
CREATE INDEX revision_log_by_migration ON revision_log (migration, revision) WHERE migration IS NOT NULL;
CREATE INDEX revision_log_by_time ON revision_log (at, revision);

CREATE TABLE change_log (
    revision        bigint NOT NULL,
    position        bigint NOT NULL CHECK (position >= 0),
    action          text   COLLATE "C" NOT NULL CHECK (action IN (
                        'registered', 'moved', 'frozen', 'thawed', 'rolled_back', 'updated',
                        'released', 'restored', 'migration_planned', 'migration_finalized',
                        'migration_cancelled', 'location_changed', 'token_created',
                        'token_revoked')),
    -- A domain's change has a name and placements; any other has a subject and details (JSON, as
    -- text: the digest covers its octets).
    fqdn            text   COLLATE "C",
    before_location text   COLLATE "C",
    before_mode     text   COLLATE "C" CHECK (before_mode IN ('serve', 'read_only', 'reject')),
    before_tenant   text   COLLATE "C",
    after_location  text   COLLATE "C",
    after_mode      text   COLLATE "C" CHECK (after_mode IN ('serve', 'read_only', 'reject')),
    after_tenant    text   COLLATE "C",
    registered_at   bigint,
    subject         text   COLLATE "C",
    before_detail   text,
    after_detail    text,
    PRIMARY KEY (revision, position),
    CHECK ((fqdn IS NULL) <> (subject IS NULL)),
    CHECK ((fqdn IS NULL) = (registered_at IS NULL)),
    CHECK ((before_location IS NULL) = (before_mode IS NULL)),
    CHECK ((after_location IS NULL) = (after_mode IS NULL)),
    CHECK (fqdn IS NULL OR before_location IS NOT NULL OR after_location IS NOT NULL),
    -- Nothing lies in a column that the digest's reading of the row passes over.
    CHECK (before_location IS NOT NULL OR before_tenant IS NULL),
    CHECK (after_location IS NOT NULL OR after_tenant IS NULL),
    CHECK (fqdn IS NOT NULL OR (before_location IS NULL AND after_location IS NULL)),
    CHECK (subject IS NOT NULL OR (before_detail IS NULL AND after_detail IS NULL))
);

CREATE INDEX change_log_by_domain ON change_log (fqdn, revision DESC, position DESC)
    WHERE fqdn IS NOT NULL;
CREATE INDEX change_log_by_subject ON change_log (subject, revision) WHERE subject IS NOT NULL;

-- History is append-only: nothing is put into a revision that is past, changed or taken out.
CREATE FUNCTION log_is_appended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT min(revision) FROM added) <= (SELECT revision FROM head) THEN
        RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER revision_log_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON revision_log
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('history is append-only');
CREATE TRIGGER revision_log_is_appended AFTER INSERT ON revision_log
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_is_appended();

CREATE TRIGGER change_log_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON change_log
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('history is append-only');
CREATE TRIGGER change_log_is_appended AFTER INSERT ON change_log
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_is_appended();

-- A new epoch (a restored backup) may keep its revision; otherwise the head moves forward, over
-- revisions that the log has, each whole and none left out. Requests that share a commit move it over
-- several at once.
CREATE FUNCTION head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    headers bigint;
    listed  bigint;
    logged  bigint;
BEGIN
    IF NEW.epoch <> OLD.epoch AND NEW.revision = OLD.revision AND NEW.digest = OLD.digest
       AND NEW.at >= OLD.at AND NEW.id = OLD.id THEN
        RETURN NEW;
    END IF;
    SELECT count(*), coalesce(sum(change_count), 0) INTO headers, listed FROM revision_log
    WHERE revision > OLD.revision AND revision <= NEW.revision;
    SELECT count(*) INTO logged FROM change_log
    WHERE revision > OLD.revision AND revision <= NEW.revision;
    IF NEW.epoch <> OLD.epoch OR NEW.revision <= OLD.revision OR NEW.at < OLD.at
       OR headers <> NEW.revision - OLD.revision OR listed <> logged
       OR NOT EXISTS (SELECT FROM revision_log r WHERE r.revision = NEW.revision
                      AND r.digest = NEW.digest AND r.epoch = NEW.epoch) THEN
        RAISE EXCEPTION 'the head moves along the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER head_moves BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION head_moves();

-- Wakes the other nodes, when the transaction commits. They ask for the revision themselves.
CREATE FUNCTION head_tells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry_head', NEW.revision::text);
    RETURN NULL;
END $$;

CREATE TRIGGER head_tells AFTER UPDATE ON head FOR EACH ROW EXECUTE FUNCTION head_tells();

-- Access tokens: never the secret, only its SHA-256. Revoked ones stay, history names them.
CREATE TABLE token (
    id            text   COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name          text   NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    role          text   COLLATE "C" NOT NULL
                  CHECK (role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    secret_digest bytea  NOT NULL CHECK (length(secret_digest) = 32),
    created_at    bigint NOT NULL,
    expires_at    bigint,
    revoked_at    bigint
);

CREATE TRIGGER token_is_kept BEFORE DELETE OR TRUNCATE ON token
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('tokens are revoked, not deleted');
CREATE TRIGGER token_is_only_revoked BEFORE UPDATE ON token
FOR EACH ROW WHEN (
    OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.id <> OLD.id
    OR NEW.name <> OLD.name OR NEW.role <> OLD.role OR NEW.secret_digest <> OLD.secret_digest
    OR NEW.created_at <> OLD.created_at OR NEW.expires_at IS DISTINCT FROM OLD.expires_at)
EXECUTE FUNCTION registry_refuse('a token can only be revoked');

-- Written now and then, beside the log: when a token was last used.
CREATE TABLE token_use (
    token        text   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES token (id),
    last_used_at bigint NOT NULL
);

-- The first answers to requests with an Idempotency-Key, for 24 hours.
CREATE TABLE idempotency (
    token          text   COLLATE "C" NOT NULL,
    key            text   COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_digest bytea  NOT NULL CHECK (length(request_digest) = 32),
    revision       bigint NOT NULL,
    outcome        text   NOT NULL,
    created_at     bigint NOT NULL,
    PRIMARY KEY (token, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);
