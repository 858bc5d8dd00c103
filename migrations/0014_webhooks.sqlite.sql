-- Whom revisions are told to. The secret lies here as it is, for deliveries are signed with it.
CREATE TABLE webhook (
    name          TEXT    NOT NULL PRIMARY KEY
                  CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^a-z0-9-]*'),
    url           TEXT    NOT NULL
                  CHECK (length(url) <= 2048 AND (url GLOB 'https://?*' OR url GLOB 'http://?*')),
    -- Words of the log, with commas between them.
    actions       TEXT    NOT NULL CHECK (length(actions) BETWEEN 1 AND 1000 AND actions NOT GLOB '*[^a-z_,]*'),
    secret        TEXT    NOT NULL CHECK (length(secret) <= 100 AND secret GLOB 'whsec_?*'),
    -- The one before, which signs too for a while.
    former_secret TEXT    CHECK (length(former_secret) <= 100 AND former_secret GLOB 'whsec_?*'),
    former_until  INTEGER,
    revision      INTEGER NOT NULL CHECK (revision > 0),
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
) STRICT, WITHOUT ROWID;

-- How far each has come. Not part of the log: no delivery is a revision.
CREATE TABLE webhook_progress (
    webhook            TEXT    NOT NULL PRIMARY KEY REFERENCES webhook (name) ON DELETE CASCADE,
    -- Everything up to this revision was delivered or given up.
    through            INTEGER NOT NULL CHECK (through >= 0),
    delivered_revision INTEGER CHECK (delivered_revision <= through),
    delivered_at       INTEGER,
    failing_since      INTEGER,
    failed_at          INTEGER,
    attempts           INTEGER CHECK (attempts > 0),
    retry_at           INTEGER,
    error              TEXT    CHECK (length(error) BETWEEN 1 AND 300),
    given_up           INTEGER NOT NULL CHECK (given_up >= 0),
    disabled_at        INTEGER,
    CHECK ((delivered_revision IS NULL) = (delivered_at IS NULL)),
    CHECK ((failing_since IS NULL) = (failed_at IS NULL) AND (failing_since IS NULL) = (attempts IS NULL)
       AND (failing_since IS NULL) = (retry_at IS NULL) AND (failing_since IS NULL) = (error IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER webhook_goes_on BEFORE UPDATE ON webhook_progress
WHEN NEW.webhook <> OLD.webhook OR NEW.through < OLD.through OR NEW.given_up < OLD.given_up
BEGIN SELECT RAISE(ABORT, 'a webhook goes on'); END;

-- One more action. SQLite changes no check: the table's text is changed, as 0011 does.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''wave_approved'')),', '''wave_approved'', ''webhook_changed'')),')
WHERE type = 'table' AND name = 'change_log';
PRAGMA writable_schema = RESET;

-- Whoever has the store open reads its schema anew.
CREATE TABLE schema_is_new (id INTEGER NOT NULL) STRICT;
DROP TABLE schema_is_new;
