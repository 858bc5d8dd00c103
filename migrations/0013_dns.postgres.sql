-- How the DNS leads to a location: JSON, as the log's details have it; null where nobody has said it. A location that is
-- written without a word of it gets a default that the check refuses: a node of an older release would change the log
-- and not the column, so it can't write locations any more.
ALTER TABLE location ADD COLUMN dns text COLLATE "C" CHECK (length(dns) <= 2048 AND (
    dns LIKE '{"a":%}' OR dns LIKE '{"aaaa":%}' OR dns LIKE '{"alias":%}' OR dns LIKE '{"cname":%}'));
ALTER TABLE location ALTER COLUMN dns SET DEFAULT '';

-- The serials of zones that are made of this store. Not part of the log: they follow from it and from the clock. A
-- secondary takes no zone whose serial has gone back, so that none is ever forgotten.
CREATE TABLE zone_serial (
    zone     text   COLLATE "C" NOT NULL PRIMARY KEY
             CHECK (length(zone) BETWEEN 3 AND 253 AND zone ~ '^[a-z0-9.-]+$'),
    -- RFC 1035 §3.3.13 has 32 bits for it.
    serial   bigint NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),
    -- Of what is in the zone.
    digest   bytea  NOT NULL CHECK (length(digest) BETWEEN 1 AND 64),
    -- The last revision, of this epoch, at which the zone was seen to be so.
    revision bigint NOT NULL CHECK (revision >= 0),
    epoch    text   COLLATE "C" NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64)
);

CREATE TRIGGER zone_serial_goes_up BEFORE UPDATE ON zone_serial
FOR EACH ROW WHEN (
    NEW.zone <> OLD.zone OR NEW.serial < OLD.serial
    OR (NEW.serial = OLD.serial AND (NEW.digest <> OLD.digest OR NEW.epoch <> OLD.epoch))
    OR (NEW.epoch = OLD.epoch AND NEW.revision < OLD.revision))
EXECUTE FUNCTION registry_refuse('a serial goes up where its zone changes');
CREATE TRIGGER zone_serial_is_kept BEFORE DELETE OR TRUNCATE ON zone_serial
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('serials are kept');
