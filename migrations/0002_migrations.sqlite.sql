-- Migrations: plans of many domains' moves, in waves. What a plan holds never changes; where a wave
-- stands does, along the steps that its state allows.

-- `number` is for joins alone: a plan has up to a million rows.
CREATE TABLE migration (
    number           INTEGER NOT NULL PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    name             TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    from_location    TEXT    NOT NULL,
    to_location      TEXT    NOT NULL CHECK (to_location <> from_location),
    freeze           TEXT    NOT NULL CHECK (freeze IN ('none', 'read_only', 'reject')),
    state            TEXT    NOT NULL CHECK (state IN ('planned', 'running', 'finalized', 'cancelled')),
    -- SHA-256 over the plan; docs/history.md has the encoding. Zeros until the rows are there.
    digest           BLOB    NOT NULL CHECK (length(digest) = 32),
    selected         INTEGER NOT NULL CHECK (selected >= 0),
    eligible         INTEGER NOT NULL CHECK (eligible BETWEEN 0 AND selected),
    created_at       INTEGER NOT NULL,
    created_by_token TEXT    NOT NULL,
    created_by_name  TEXT    NOT NULL,
    created_by_role  TEXT    NOT NULL
                     CHECK (created_by_role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    reason           TEXT    CHECK (length(reason) <= 500),
    ticket           TEXT    CHECK (length(ticket) <= 100)
) STRICT;

CREATE INDEX migration_open ON migration (state) WHERE state IN ('planned', 'running');

CREATE TABLE wave (
    migration      INTEGER NOT NULL REFERENCES migration (number),
    number         INTEGER NOT NULL CHECK (number > 0),
    state          TEXT    NOT NULL CHECK (state IN (
                       'planned', 'frozen', 'moved', 'rolled_back', 'finalized', 'cancelled')),
    -- Its rows in migration_domain: `size` of them from here on.
    first_position INTEGER NOT NULL CHECK (first_position > 0),
    size           INTEGER NOT NULL CHECK (size > 0),
    deadline       INTEGER CHECK ((deadline IS NOT NULL) = (state = 'frozen')),
    -- Of the last step; none while there was none.
    revision       INTEGER CHECK (revision > 0),
    PRIMARY KEY (migration, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX wave_by_deadline ON wave (deadline) WHERE state = 'frozen';

CREATE TABLE migration_domain (
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
                      'duplicate', 'unknown-domain', 'not-at-source', 'in-another-migration')),
    -- A rollback left it where the cutover had put it.
    stayed        INTEGER NOT NULL DEFAULT 0 CHECK (stayed IN (0, 1)),
    PRIMARY KEY (migration, position),
    CHECK ((wave IS NULL) <> (code IS NULL)),
    CHECK (wave IS NULL OR (mode IS NOT NULL AND registered_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX migration_domain_by_name ON migration_domain (fqdn) WHERE wave IS NOT NULL;

-- A plan is what was reviewed.
CREATE TRIGGER migration_keeps_its_plan BEFORE UPDATE ON migration
WHEN NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.name <> OLD.name
  OR NEW.from_location <> OLD.from_location OR NEW.to_location <> OLD.to_location
  OR NEW.freeze <> OLD.freeze OR NEW.selected <> OLD.selected
  OR NEW.eligible <> OLD.eligible OR NEW.created_at <> OLD.created_at
  OR (NEW.digest <> OLD.digest AND OLD.digest <> zeroblob(32))
  OR NOT (OLD.state = NEW.state
          OR (OLD.state = 'planned' AND NEW.state IN ('running', 'finalized', 'cancelled'))
          OR (OLD.state = 'running' AND NEW.state IN ('finalized', 'cancelled')))
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;

CREATE TRIGGER migration_is_not_deleted BEFORE DELETE ON migration
BEGIN SELECT RAISE(ABORT, 'migrations are finalized or cancelled, not deleted'); END;

CREATE TRIGGER wave_takes_its_steps BEFORE UPDATE ON wave
WHEN NEW.migration <> OLD.migration OR NEW.number <> OLD.number OR NEW.size <> OLD.size
  OR NEW.first_position <> OLD.first_position
  OR NOT ((OLD.state = 'planned' AND NEW.state IN ('frozen', 'moved', 'cancelled'))
          OR (OLD.state = 'frozen' AND NEW.state IN ('moved', 'planned', 'cancelled'))
          OR (OLD.state = 'moved' AND NEW.state IN ('rolled_back', 'finalized')))
BEGIN SELECT RAISE(ABORT, 'a wave takes one step after the other'); END;

CREATE TRIGGER wave_is_not_deleted BEFORE DELETE ON wave
BEGIN SELECT RAISE(ABORT, 'waves are not deleted'); END;

CREATE TRIGGER migration_domain_keeps_its_plan BEFORE UPDATE ON migration_domain
WHEN NEW.migration <> OLD.migration OR NEW.position <> OLD.position OR NEW.fqdn <> OLD.fqdn
  OR NEW.wave IS NOT OLD.wave OR NEW.mode IS NOT OLD.mode
  OR NEW.registered_at IS NOT OLD.registered_at OR NEW.code IS NOT OLD.code
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;

CREATE TRIGGER migration_domain_is_not_deleted BEFORE DELETE ON migration_domain
BEGIN SELECT RAISE(ABORT, 'a migration keeps its plan'); END;

-- A wave appends a hundred thousand rows at once. Whether the revision is the next one is all that
-- protects the past: rows of the next revision are nobody's past yet.
DROP TRIGGER change_log_is_appended;
CREATE TRIGGER change_log_is_appended BEFORE INSERT ON change_log
WHEN NEW.revision <> (SELECT revision + 1 FROM head)
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
