-- Names that somebody holds until they're activated, and waves that a second person has approved.

-- A held name is nobody's yet: lookups, lists and counts don't know it, and its lines in the log have no placement but
-- in their details. By the clock of who decides it's over at held_until, whether or not its row is still there.
CREATE TABLE held_domain (
    fqdn           TEXT    NOT NULL PRIMARY KEY
                   CHECK (length(fqdn) BETWEEN 3 AND 253 AND fqdn NOT GLOB '*[^a-z0-9.-]*'),
    location       TEXT    NOT NULL REFERENCES location (name),
    mode           TEXT    NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant         TEXT    CHECK (length(tenant) BETWEEN 1 AND 200),
    revision       INTEGER NOT NULL CHECK (revision > 0),
    -- When it was held, by the log.
    registered_at  INTEGER NOT NULL,
    held_until     INTEGER NOT NULL,
    -- A token's id.
    holder         TEXT    NOT NULL,
    -- Whether the location was asked for: then the name goes there or nowhere.
    wants_location INTEGER NOT NULL CHECK (wants_location IN (0, 1)),
    allow_nested   INTEGER NOT NULL CHECK (allow_nested IN (0, 1)),
    allow_split    INTEGER NOT NULL CHECK (allow_split IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX held_domain_by_end ON held_domain (held_until);
CREATE INDEX held_domain_by_location ON held_domain (location);

-- A name is live or held, never both. What was released before it was held can be restored when the hold is over.
CREATE TRIGGER domain_is_not_held BEFORE INSERT ON domain
WHEN EXISTS (SELECT 1 FROM held_domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is held'); END;

CREATE TRIGGER held_domain_is_not_live BEFORE INSERT ON held_domain
WHEN EXISTS (SELECT 1 FROM domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is live'); END;

CREATE TRIGGER held_domain_is_not_updated BEFORE UPDATE ON held_domain
BEGIN SELECT RAISE(ABORT, 'a hold stays as it is'); END;

-- Who has approved a wave, once and for all: its plan never changes.
CREATE TABLE wave_approval (
    migration INTEGER NOT NULL,
    wave      INTEGER NOT NULL,
    -- As the revision has them.
    token     TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    role      TEXT    NOT NULL
              CHECK (role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    at        INTEGER NOT NULL,
    revision  INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (migration, wave),
    FOREIGN KEY (migration, wave) REFERENCES wave (migration, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER wave_approval_is_not_updated BEFORE UPDATE ON wave_approval
BEGIN SELECT RAISE(ABORT, 'an approval stays as it is'); END;
CREATE TRIGGER wave_approval_is_not_deleted BEFORE DELETE ON wave_approval
BEGIN SELECT RAISE(ABORT, 'an approval stays as it is'); END;
CREATE TRIGGER wave_approval_is_not_replaced BEFORE INSERT ON wave_approval
WHEN EXISTS (SELECT 1 FROM wave_approval WHERE migration = NEW.migration AND wave = NEW.wave)
BEGIN SELECT RAISE(ABORT, 'an approval stays as it is'); END;

-- More actions, of which those of holds tell in their details what they held. SQLite changes no check, and to make
-- the log anew would take as long as the log is: the text of its table is changed instead, as SQLite's documentation
-- has it (lang_altertable.html, "changes that do not affect the on-disk content").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    '''token_revoked'')),',
    '''token_revoked'', ''held'', ''hold_released'', ''hold_expired'', ''wave_approved'')),'),
    'CHECK (fqdn IS NULL OR before_location IS NOT NULL OR after_location IS NOT NULL),',
    'CHECK (fqdn IS NULL OR before_location IS NOT NULL OR after_location IS NOT NULL
           OR action IN (''held'', ''hold_released'', ''hold_expired'')),'),
    'CHECK (subject IS NOT NULL OR (before_detail IS NULL AND after_detail IS NULL))',
    'CHECK (subject IS NOT NULL OR (before_detail IS NULL AND after_detail IS NULL)
           OR action IN (''held'', ''hold_released'', ''hold_expired'')),
    CHECK (action NOT IN (''held'', ''hold_released'', ''hold_expired'')
           OR (fqdn IS NOT NULL AND before_location IS NULL AND after_location IS NULL
               AND (before_detail IS NULL) = (action = ''held'')
               AND (after_detail IS NOT NULL) = (action = ''held'')))')
WHERE type = 'table' AND name = 'change_log';
PRAGMA writable_schema = RESET;

-- Whoever has the store open reads its schema anew.
CREATE TABLE schema_is_new (id INTEGER NOT NULL) STRICT;
DROP TABLE schema_is_new;
