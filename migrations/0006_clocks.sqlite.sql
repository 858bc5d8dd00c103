-- How long a released name rests goes by the clock; when it was released, by the log, whose stamps never
-- go back. After a clock that ran ahead the first may end before the second: the two aren't compared any
-- more. SQLite drops no check of a column, so the table is made anew.

-- Names the table, and can't stand while there is none.
DROP TRIGGER domain_is_not_released;

CREATE TABLE released_domain_anew (
    fqdn          TEXT    NOT NULL PRIMARY KEY,
    location      TEXT    NOT NULL,
    mode          TEXT    NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant        TEXT    CHECK (length(tenant) BETWEEN 1 AND 200),
    revision      INTEGER NOT NULL CHECK (revision > 0),
    registered_at INTEGER NOT NULL,
    released_at   INTEGER NOT NULL,
    available_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO released_domain_anew (fqdn, location, mode, tenant, revision, registered_at, released_at,
    available_at)
SELECT fqdn, location, mode, tenant, revision, registered_at, released_at, available_at
FROM released_domain ORDER BY fqdn;

DROP TABLE released_domain;
ALTER TABLE released_domain_anew RENAME TO released_domain;

CREATE INDEX released_domain_by_location ON released_domain (location, available_at);

CREATE TRIGGER domain_is_not_released BEFORE INSERT ON domain
WHEN EXISTS (SELECT 1 FROM released_domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is released'); END;

CREATE TRIGGER released_domain_is_not_live BEFORE INSERT ON released_domain
WHEN EXISTS (SELECT 1 FROM domain WHERE fqdn = NEW.fqdn)
BEGIN SELECT RAISE(ABORT, 'the name is live'); END;

-- Whether another admin token works is asked inside the writer; tokens stay for ever.
CREATE INDEX token_by_role ON token (role) WHERE revoked_at IS NULL;
