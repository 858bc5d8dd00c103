-- Which actions and locations each revision touches, so that a page of history filtered by one of
-- them goes straight to its revisions, however long the log is.
--
-- One row a revision and value, not one a change: a wave of a million domains costs three rows.
-- `facet` is 'action:moved' or 'location:aws'; before or after, a location counts.
CREATE TABLE revision_facet (
    facet    text   COLLATE "C" NOT NULL CHECK (facet ~ '^(action|location):.'),
    revision bigint NOT NULL CHECK (revision > 0),
    PRIMARY KEY (facet, revision)
);

-- When the head has moved, its revisions are whole: whoever wrote them, their facets are read from
-- them.
CREATE FUNCTION note_facets(beyond bigint, through bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO revision_facet (facet, revision)
    SELECT DISTINCT side.facet, seen.revision
    FROM (SELECT DISTINCT revision, action, before_location, after_location FROM change_log
          WHERE revision > beyond AND revision <= through) AS seen
    CROSS JOIN LATERAL (VALUES ('action:' || seen.action), ('location:' || seen.before_location),
                               ('location:' || seen.after_location)) AS side (facet)
    WHERE side.facet IS NOT NULL
$$;

-- What the log holds already.
SELECT note_facets(0, revision) FROM head;

CREATE FUNCTION head_notes_facets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_facets(OLD.revision, NEW.revision);
    RETURN NULL;
END $$;

CREATE TRIGGER head_notes_facets AFTER UPDATE ON head
FOR EACH ROW WHEN (NEW.revision > OLD.revision) EXECUTE FUNCTION head_notes_facets();

-- Append-only, as the log is: only the head's own trigger adds to it.
CREATE TRIGGER revision_facet_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON revision_facet
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('history is append-only');
CREATE TRIGGER revision_facet_is_appended BEFORE INSERT ON revision_facet
FOR EACH STATEMENT WHEN (pg_trigger_depth() < 1)
EXECUTE FUNCTION registry_refuse('history is append-only');
