-- Which actions and locations each revision touches, so that a page of history filtered by one of
-- them goes straight to its revisions, however long the log is.
--
-- One row a revision and value, not one a change: a wave of a million domains costs three rows.
-- `facet` is 'action:moved' or 'location:aws'; before or after, a location counts.
CREATE TABLE revision_facet (
    facet    TEXT    NOT NULL CHECK (facet GLOB 'action:?*' OR facet GLOB 'location:?*'),
    revision INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (facet, revision)
) STRICT, WITHOUT ROWID;

-- What the log holds already. OR IGNORE instead of DISTINCT: this must not gather a long log in
-- memory.
INSERT OR IGNORE INTO revision_facet SELECT 'action:' || action, revision FROM change_log;
INSERT OR IGNORE INTO revision_facet
    SELECT 'location:' || before_location, revision FROM change_log WHERE before_location IS NOT NULL;
INSERT OR IGNORE INTO revision_facet
    SELECT 'location:' || after_location, revision FROM change_log WHERE after_location IS NOT NULL;

-- When the head has moved, its revision is whole: whoever wrote it, its facets are read from it.
CREATE TRIGGER head_notes_facets AFTER UPDATE ON head
WHEN NEW.revision > OLD.revision
BEGIN
    INSERT INTO revision_facet (facet, revision)
    SELECT DISTINCT CASE side.number
            WHEN 1 THEN 'action:' || seen.action
            WHEN 2 THEN 'location:' || seen.before_location
            ELSE 'location:' || seen.after_location END AS facet, NEW.revision
    FROM (SELECT DISTINCT action, before_location, after_location
          FROM change_log WHERE revision = NEW.revision) AS seen
    CROSS JOIN (SELECT 1 AS number UNION ALL SELECT 2 UNION ALL SELECT 3) AS side
    WHERE facet IS NOT NULL;
END;

-- Append-only, as the log is: REPLACE deletes without a DELETE trigger.
CREATE TRIGGER revision_facet_is_not_updated BEFORE UPDATE ON revision_facet
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER revision_facet_is_not_deleted BEFORE DELETE ON revision_facet
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER revision_facet_is_appended BEFORE INSERT ON revision_facet
WHEN NEW.revision <> (SELECT revision FROM head)
  OR EXISTS (SELECT 1 FROM revision_facet WHERE facet = NEW.facet AND revision = NEW.revision)
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
