-- Names that somebody holds until they're activated, and waves that a second person has approved.

-- A held name is nobody's yet: lookups, lists and counts don't know it, and its lines in the log have no placement but
-- in their details. By the clock of who decides it's over at held_until, whether or not its row is still there.
CREATE TABLE held_domain (
    fqdn           text    COLLATE "C" NOT NULL PRIMARY KEY
                   CHECK (length(fqdn) BETWEEN 3 AND 253 AND fqdn !~ '[^a-z0-9.-]'),
    location       text    COLLATE "C" NOT NULL REFERENCES location (name),
    mode           text    COLLATE "C" NOT NULL CHECK (mode IN ('serve', 'read_only', 'reject')),
    tenant         text    COLLATE "C" CHECK (length(tenant) BETWEEN 1 AND 200),
    revision       bigint  NOT NULL CHECK (revision > 0),
    -- When it was held, by the log.
    registered_at  bigint  NOT NULL,
    held_until     bigint  NOT NULL,
    -- A token's id.
    holder         text    COLLATE "C" NOT NULL,
    -- Whether the location was asked for: then the name goes there or nowhere.
    wants_location boolean NOT NULL,
    allow_nested   boolean NOT NULL,
    allow_split    boolean NOT NULL
);

CREATE INDEX held_domain_by_end ON held_domain (held_until);
CREATE INDEX held_domain_by_location ON held_domain (location);

-- A name is live or held, never both. What was released before it was held can be restored when the hold is over.
CREATE FUNCTION domain_is_not_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN held_domain h ON h.fqdn = a.fqdn) THEN
        RAISE EXCEPTION 'the name is held' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER domain_is_not_held AFTER INSERT ON domain
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION domain_is_not_held();

CREATE TRIGGER held_domain_is_not_live AFTER INSERT ON held_domain
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION released_domain_fits();

CREATE TRIGGER held_domain_is_not_updated BEFORE UPDATE ON held_domain
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('a hold stays as it is');

-- Who has approved a wave, once and for all: its plan never changes.
CREATE TABLE wave_approval (
    migration bigint NOT NULL,
    wave      bigint NOT NULL,
    -- As the revision has them.
    token     text   COLLATE "C" NOT NULL,
    name      text   NOT NULL,
    role      text   COLLATE "C" NOT NULL
              CHECK (role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    at        bigint NOT NULL,
    revision  bigint NOT NULL CHECK (revision > 0),
    PRIMARY KEY (migration, wave),
    FOREIGN KEY (migration, wave) REFERENCES wave (migration, number)
);

CREATE TRIGGER wave_approval_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON wave_approval
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('an approval stays as it is');

-- More actions, of which those of holds tell in their details what they held. Every older line fits the new rules, as it
-- fitted the stricter old ones: NOT VALID spares a walk along the whole log.
ALTER TABLE change_log DROP CONSTRAINT change_log_action_check;
ALTER TABLE change_log ADD CONSTRAINT change_log_action_check CHECK (action IN (
    'registered', 'moved', 'frozen', 'thawed', 'rolled_back', 'updated', 'released', 'restored',
    'migration_planned', 'migration_finalized', 'migration_cancelled', 'location_changed',
    'token_created', 'token_revoked', 'held', 'hold_released', 'hold_expired', 'wave_approved'))
    NOT VALID;

-- The fifth and the ninth of its rules without a name.
ALTER TABLE change_log DROP CONSTRAINT change_log_check4, DROP CONSTRAINT change_log_check8;

ALTER TABLE change_log ADD CONSTRAINT change_log_placed CHECK (
    fqdn IS NULL OR before_location IS NOT NULL OR after_location IS NOT NULL
    OR action IN ('held', 'hold_released', 'hold_expired')) NOT VALID;
ALTER TABLE change_log ADD CONSTRAINT change_log_detailed CHECK (
    subject IS NOT NULL OR (before_detail IS NULL AND after_detail IS NULL)
    OR action IN ('held', 'hold_released', 'hold_expired')) NOT VALID;
ALTER TABLE change_log ADD CONSTRAINT change_log_of_holds CHECK (
    action NOT IN ('held', 'hold_released', 'hold_expired')
    OR (fqdn IS NOT NULL AND before_location IS NULL AND after_location IS NULL
        AND (before_detail IS NULL) = (action = 'held')
        AND (after_detail IS NOT NULL) = (action = 'held'))) NOT VALID;
