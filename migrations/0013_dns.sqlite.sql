-- How the DNS leads to a location: JSON, as the log's details have it; null where nobody has said it.
ALTER TABLE location ADD COLUMN dns TEXT CHECK (length(dns) <= 2048 AND (
    dns GLOB '{"a":*}' OR dns GLOB '{"aaaa":*}' OR dns GLOB '{"alias":*}' OR dns GLOB '{"cname":*}'));

-- The serials of zones that are made of this store. Not part of the log: they follow from it and from the clock. A
-- secondary takes no zone whose serial has gone back, so that none is ever forgotten.
CREATE TABLE zone_serial (
    zone     TEXT    NOT NULL PRIMARY KEY
             CHECK (length(zone) BETWEEN 3 AND 253 AND zone NOT GLOB '*[^a-z0-9.-]*'),
    -- RFC 1035 §3.3.13 has 32 bits for it.
    serial   INTEGER NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),
    -- Of what is in the zone.
    digest   BLOB    NOT NULL CHECK (length(digest) BETWEEN 1 AND 64),
    -- The last revision, of this epoch, at which the zone was seen to be so.
    revision INTEGER NOT NULL CHECK (revision >= 0),
    epoch    TEXT    NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER zone_serial_goes_up BEFORE UPDATE ON zone_serial
WHEN NEW.zone <> OLD.zone OR NEW.serial < OLD.serial
  OR (NEW.serial = OLD.serial AND (NEW.digest <> OLD.digest OR NEW.epoch <> OLD.epoch))
  OR (NEW.epoch = OLD.epoch AND NEW.revision < OLD.revision)
BEGIN SELECT RAISE(ABORT, 'a serial goes up where its zone changes'); END;
CREATE TRIGGER zone_serial_is_not_deleted BEFORE DELETE ON zone_serial
BEGIN SELECT RAISE(ABORT, 'serials are kept'); END;
CREATE TRIGGER zone_serial_is_not_replaced BEFORE INSERT ON zone_serial
WHEN EXISTS (SELECT 1 FROM zone_serial WHERE zone = NEW.zone)
BEGIN SELECT RAISE(ABORT, 'serials are kept'); END;
