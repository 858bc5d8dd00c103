-- The registry's first schema, for SQLite. A released file is never edited; the next one is added.
-- Every rule that the service keeps is kept here too, so that a mistake in code, or a person with a
-- shell, can't rewrite what happened.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z. Names are canonical: lower-case A-labels.

-- Where the log ends. One row, locked by whoever writes.
CREATE TABLE head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    epoch    TEXT    NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64),
    revision INTEGER NOT NULL CHECK (revision >= 0),
    digest   BLOB    NOT NULL CHECK (length(digest) = 32),
    at       INTEGER NOT NULL
) STRICT;

CREATE TRIGGER head_is_one_row BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'the head is never deleted'); END;

CREATE TRIGGER head_is_not_replaced BEFORE INSERT ON head
WHEN EXISTS (SELECT 1 FROM head)
BEGIN SELECT RAISE(ABORT, 'the head is never replaced'); END;

-- A new epoch (a restored backup) may keep its revision; otherwise the head moves one at a time,
-- and only onto a revision that the log has.
CREATE TRIGGER head_moves_by_one BEFORE UPDATE ON head
WHEN NOT (
    (NEW.epoch = OLD.epoch AND NEW.revision = OLD.revision + 1 AND NEW.at >= OLD.at
     AND EXISTS (SELECT 1 FROM revision_log r
                 WHERE r.revision = NEW.revision AND r.digest = NEW.digest AND r.epoch = NEW.epoch))
    OR (NEW.epoch <> OLD.epoch AND NEW.revision = OLD.revision AND NEW.digest = OLD.digest
        AND NEW.at >= OLD.at))
BEGIN SELECT RAISE(ABORT, 'the head moves one revision at a time'); END;

-- Where a domain can be hosted.
CREATE TABLE location (
    name                TEXT    NOT NULL PRIMARY KEY
                        CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^a-z0-9-]*'),
    upstream            TEXT    NOT NULL CHECK (length(upstream) BETWEEN 8 AND 2048),
    accepts_signups     INTEGER NOT NULL CHECK (accepts_signups IN (0, 1)),
    default_for_signups INTEGER NOT NULL CHECK (default_for_signups IN (0, 1)),
    revision            INTEGER NOT NULL CHECK (revision >= 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX location_one_default ON location (default_for_signups)
    WHERE default_for_signups = 1;

-- `.invalid` (RFC 2606) never resolves: an upstream that nobody has set fails in plain sight.
INSERT INTO location (name, upstream, accepts_signups, default_for_signups, revision) VALUES
    ('japan', 'http://japan.invalid', 1, 1, 0),
    ('aws',   'http://aws.invalid',   1, 0, 0);

-- Live domains.
CREATE TABLE domain (
    fqdn          TEXT    NOT NULL PRIMARY KEY
                  CHECK (length(fqdn) BETWEEN 3 AND 253 AND fqdn NOT GLOB '*[^a-z0-9.-]*'),
    location      TEXT    NOT NULL REFERENCES location (name),
    mode          TEXT    NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant        TEXT    CHECK (length(tenant) BETWEEN 1 AND 200),
    revision      INTEGER NOT NULL CHECK (revision > 0),
    registered_at INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL CHECK (changed_at >= registered_at)
) STRICT, WITHOUT ROWID;

-- Domains that were let go: in quarantine until available_at, and restorable as they were.
CREATE TABLE released_domain (
    fqdn          TEXT    NOT NULL PRIMARY KEY,
    location      TEXT    NOT NULL,
    mode          TEXT    NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant        TEXT    CHECK (length(tenant) BETWEEN 1 AND 200),
    revision      INTEGER NOT NULL CHECK (revision > 0),
    registered_at INTEGER NOT NULL,
    released_at   INTEGER NOT NULL,
    available_at  INTEGER NOT NULL CHECK (available_at >= released_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX released_domain_by_location ON released_domain (location, available_at);

-- A name is live or released, never both.
CREATE TRIGGER domain_is_not_released BEFORE INSERT ON domain
WHEN EXISTS (SELECT 1 FROM released_domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is released'); END;

-- A name is a domain's identity: to another name it is released here and registered there.
CREATE TRIGGER domain_keeps_its_name BEFORE UPDATE ON domain
WHEN NEW.fqdn <> OLD.fqdn OR NEW.registered_at <> OLD.registered_at
BEGIN SELECT RAISE(ABORT, 'a domain keeps its name'); END;

CREATE TRIGGER released_domain_is_not_live BEFORE INSERT ON released_domain
WHEN EXISTS (SELECT 1 FROM domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is live'); END;

-- The log: one row a revision, one row a change in it. Names of tokens and locations are copied in,
-- so that history reads the same after they are gone.
CREATE TABLE revision_log (
    revision        INTEGER NOT NULL PRIMARY KEY,
    epoch           TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    actor_token     TEXT    NOT NULL,
    actor_name      TEXT    NOT NULL,
    actor_role      TEXT    NOT NULL
                    CHECK (actor_role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    reason          TEXT    CHECK (length(reason) <= 500),
    ticket          TEXT    CHECK (length(ticket) <= 100),
    request_id      TEXT    NOT NULL CHECK (length(request_id) <= 128),
    migration       TEXT,
    wave            INTEGER CHECK (wave > 0),
    override_reason TEXT    CHECK (length(override_reason) <= 500),
    change_count    INTEGER NOT NULL CHECK (change_count > 0),
    -- SHA-256 over the digest before, this row and its changes; docs/history.md has the encoding.
    digest          BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE INDEX revision_log_by_actor ON revision_log (actor_token, revision);
CREATE INDEX revision_log_by_migration ON revision_log (migration, revision) WHERE migration IS NOT NULL;
CREATE INDEX revision_log_by_time ON revision_log (at, revision);

CREATE TABLE change_log (
    revision        INTEGER NOT NULL REFERENCES revision_log (revision) DEFERRABLE INITIALLY DEFERRED,
    position        INTEGER NOT NULL CHECK (position >= 0),
    action          TEXT    NOT NULL CHECK (action IN (
                        'registered', 'moved', 'frozen', 'thawed', 'rolled_back', 'updated',
                        'released', 'restored', 'migration_planned', 'migration_finalized',
                        'migration_cancelled', 'location_changed', 'token_created',
                        'token_revoked')),
    -- A domain's change has a name and placements; any other has a subject and details (JSON).
    fqdn            TEXT,
    before_location TEXT,
    before_mode     TEXT    CHECK (before_mode IN ('serve', 'read_only', 'reject')),
    before_tenant   TEXT,
    after_location  TEXT,
    after_mode      TEXT    CHECK (after_mode IN ('serve', 'read_only', 'reject')),
    after_tenant    TEXT,
    registered_at   INTEGER,
    subject         TEXT,
    before_detail   TEXT,
    after_detail    TEXT,
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
) STRICT, WITHOUT ROWID;

CREATE INDEX change_log_by_domain ON change_log (fqdn, revision) WHERE fqdn IS NOT NULL;
CREATE INDEX change_log_by_subject ON change_log (subject, revision) WHERE subject IS NOT NULL;

-- History is append-only. REPLACE deletes without a DELETE trigger, so inserts are held to the
-- revision that comes next: nothing can be put into, or in the place of, one that is past.
CREATE TRIGGER revision_log_is_not_updated BEFORE UPDATE ON revision_log
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER revision_log_is_not_deleted BEFORE DELETE ON revision_log
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER revision_log_is_appended BEFORE INSERT ON revision_log
WHEN NEW.revision <> (SELECT revision + 1 FROM head)
  OR EXISTS (SELECT 1 FROM revision_log WHERE revision = NEW.revision)
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

CREATE TRIGGER change_log_is_not_updated BEFORE UPDATE ON change_log
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER change_log_is_not_deleted BEFORE DELETE ON change_log
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER change_log_is_appended BEFORE INSERT ON change_log
WHEN NEW.revision <> (SELECT revision + 1 FROM head)
  OR EXISTS (SELECT 1 FROM change_log WHERE revision = NEW.revision AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

-- Access tokens: never the secret, only its SHA-256. Revoked ones stay, history names them.
CREATE TABLE token (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name          TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    role          TEXT    NOT NULL
                  CHECK (role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    secret_digest BLOB    NOT NULL CHECK (length(secret_digest) = 32),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TRIGGER token_is_not_deleted BEFORE DELETE ON token
BEGIN SELECT RAISE(ABORT, 'tokens are revoked, not deleted'); END;
CREATE TRIGGER token_is_not_replaced BEFORE INSERT ON token
WHEN EXISTS (SELECT 1 FROM token WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'tokens are revoked, not replaced'); END;
CREATE TRIGGER token_is_only_revoked BEFORE UPDATE ON token
WHEN OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.id <> OLD.id
  OR NEW.name <> OLD.name OR NEW.role <> OLD.role OR NEW.secret_digest <> OLD.secret_digest
  OR NEW.created_at <> OLD.created_at OR NEW.expires_at IS NOT OLD.expires_at
BEGIN SELECT RAISE(ABORT, 'a token can only be revoked'); END;

-- Written now and then, beside the log: when a token was last used.
CREATE TABLE token_use (
    token        TEXT    NOT NULL PRIMARY KEY REFERENCES token (id),
    last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The first answers to requests with an Idempotency-Key, for 24 hours.
CREATE TABLE idempotency (
    token          TEXT    NOT NULL,
    key            TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_digest BLOB    NOT NULL CHECK (length(request_digest) = 32),
    revision       INTEGER NOT NULL,
    outcome        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);
