-- Whom revisions are told to. The secret lies here as it is, for deliveries are signed with it.
CREATE TABLE webhook (
    name          text   COLLATE "C" NOT NULL PRIMARY KEY
                  CHECK (length(name) BETWEEN 1 AND 63 AND name !~ '[^a-z0-9-]'),
    url           text   COLLATE "C" NOT NULL CHECK (length(url) <= 2048 AND url ~ '^https?://.'),
    -- Words of the log, with commas between them.
    actions       text   COLLATE "C" NOT NULL
                  CHECK (length(actions) BETWEEN 1 AND 1000 AND actions !~ '[^a-z_,]'),
    secret        text   COLLATE "C" NOT NULL CHECK (length(secret) <= 100 AND secret ~ '^whsec_.'),
    -- The one before, which signs too for a while.
    former_secret text   COLLATE "C" CHECK (length(former_secret) <= 100 AND former_secret ~ '^whsec_.'),
    former_until  bigint,
    revision      bigint NOT NULL CHECK (revision > 0),
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
);

-- How far each has come. Not part of the log: no delivery is a revision.
CREATE TABLE webhook_progress (
    webhook            text   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES webhook (name) ON DELETE CASCADE,
    -- Everything up to this revision was delivered or given up.
    through            bigint NOT NULL CHECK (through >= 0),
    delivered_revision bigint CHECK (delivered_revision <= through),
    delivered_at       bigint,
    failing_since      bigint,
    failed_at          bigint,
    attempts           bigint CHECK (attempts > 0),
    retry_at           bigint,
    error              text   CHECK (length(error) BETWEEN 1 AND 300),
    given_up           bigint NOT NULL CHECK (given_up >= 0),
    disabled_at        bigint,
    CHECK ((delivered_revision IS NULL) = (delivered_at IS NULL)),
    CHECK ((failing_since IS NULL) = (failed_at IS NULL) AND (failing_since IS NULL) = (attempts IS NULL)
       AND (failing_since IS NULL) = (retry_at IS NULL) AND (failing_since IS NULL) = (error IS NULL))
);

CREATE TRIGGER webhook_goes_on BEFORE UPDATE ON webhook_progress
FOR EACH ROW WHEN (
    NEW.webhook <> OLD.webhook OR NEW.through < OLD.through OR NEW.given_up < OLD.given_up)
EXECUTE FUNCTION registry_refuse('a webhook goes on');

ALTER TABLE change_log DROP CONSTRAINT change_log_action_check;
ALTER TABLE change_log ADD CONSTRAINT change_log_action_check CHECK (action IN (
    'registered', 'moved', 'announced', 'frozen', 'thawed', 'rolled_back', 'updated', 'released', 'restored',
    'migration_planned', 'migration_finalized', 'migration_cancelled', 'location_changed',
    'token_created', 'token_revoked', 'held', 'hold_released', 'hold_expired', 'wave_approved',
    'webhook_changed'))
    NOT VALID;
