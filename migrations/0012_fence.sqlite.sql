-- Waves that are announced: copies of the table that can't hear the registry answer their domains as frozen.

ALTER TABLE domain ADD COLUMN fence TEXT CHECK (fence IN ('read_only', 'reject'));
ALTER TABLE released_domain ADD COLUMN fence TEXT CHECK (fence IN ('read_only', 'reject'));
-- A held name is in no wave. The column is there because placements have it everywhere.
ALTER TABLE held_domain ADD COLUMN fence TEXT CHECK (fence IS NULL);

-- Nothing lies in a column that the digest's reading of the row passes over.
ALTER TABLE change_log ADD COLUMN before_fence TEXT
    CHECK (before_fence IN ('read_only', 'reject') AND before_location IS NOT NULL OR before_fence IS NULL);
ALTER TABLE change_log ADD COLUMN after_fence TEXT
    CHECK (after_fence IN ('read_only', 'reject') AND after_location IS NOT NULL OR after_fence IS NULL);

-- The revision that announced the wave: while it's announced, and while it's frozen since.
ALTER TABLE wave ADD COLUMN announcement INTEGER
    CHECK (announcement > 0 AND state IN ('announced', 'frozen') OR announcement IS NULL AND state <> 'announced');

DROP TRIGGER wave_takes_its_steps;
CREATE TRIGGER wave_takes_its_steps BEFORE UPDATE ON wave
WHEN NEW.migration <> OLD.migration OR NEW.number <> OLD.number OR NEW.size <> OLD.size
  OR NEW.first_position <> OLD.first_position
  OR NOT ((OLD.state = 'planned' AND NEW.state IN ('announced', 'frozen', 'moved', 'cancelled'))
          OR (OLD.state = 'announced' AND NEW.state IN ('frozen', 'planned', 'cancelled'))
          OR (OLD.state = 'frozen' AND NEW.state IN ('moved', 'planned', 'cancelled'))
          OR (OLD.state = 'moved' AND NEW.state IN ('rolled_back', 'finalized')))
BEGIN SELECT RAISE(ABORT, 'a wave takes one step after the other'); END;

-- Whether an agent fences itself, and until when a lease of it may run, by the store's clock.
ALTER TABLE agent ADD COLUMN fences INTEGER NOT NULL DEFAULT 0 CHECK (fences IN (0, 1));
ALTER TABLE agent ADD COLUMN lease_until INTEGER;

-- One more action, and one more state. SQLite changes no check: the tables' text is changed, as 0011 does.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''registered'', ''moved'', ''frozen''',
    '''registered'', ''moved'', ''announced'', ''frozen''')
WHERE type = 'table' AND name = 'change_log';
UPDATE sqlite_schema SET sql = replace(sql, '''planned'', ''frozen'', ''moved''',
    '''planned'', ''announced'', ''frozen'', ''moved''')
WHERE type = 'table' AND name = 'wave';
PRAGMA writable_schema = RESET;

-- Whoever has the store open reads its schema anew.
CREATE TABLE schema_is_new (id INTEGER NOT NULL) STRICT;
DROP TABLE schema_is_new;
