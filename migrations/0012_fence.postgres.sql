-- Waves that are announced: copies of the table that can't hear the registry answer their domains as frozen.

ALTER TABLE domain ADD COLUMN fence text COLLATE "C";
ALTER TABLE domain ADD CONSTRAINT domain_fence CHECK (fence IN ('read_only', 'reject')) NOT VALID;
ALTER TABLE released_domain ADD COLUMN fence text COLLATE "C";
ALTER TABLE released_domain ADD CONSTRAINT released_domain_fence CHECK (fence IN ('read_only', 'reject')) NOT VALID;
-- A held name is in no wave. The column is there because placements have it everywhere.
ALTER TABLE held_domain ADD COLUMN fence text COLLATE "C" CHECK (fence IS NULL);

-- Nothing lies in a column that the digest's reading of the row passes over. Older lines have nothing there: NOT VALID
-- spares a walk along the whole log.
ALTER TABLE change_log ADD COLUMN before_fence text COLLATE "C", ADD COLUMN after_fence text COLLATE "C";
ALTER TABLE change_log ADD CONSTRAINT change_log_fences CHECK (
    (before_fence IS NULL OR before_fence IN ('read_only', 'reject') AND before_location IS NOT NULL)
    AND (after_fence IS NULL OR after_fence IN ('read_only', 'reject') AND after_location IS NOT NULL)) NOT VALID;

ALTER TABLE change_log DROP CONSTRAINT change_log_action_check;
ALTER TABLE change_log ADD CONSTRAINT change_log_action_check CHECK (action IN (
    'registered', 'moved', 'announced', 'frozen', 'thawed', 'rolled_back', 'updated', 'released', 'restored',
    'migration_planned', 'migration_finalized', 'migration_cancelled', 'location_changed',
    'token_created', 'token_revoked', 'held', 'hold_released', 'hold_expired', 'wave_approved'))
    NOT VALID;

-- The revision that announced the wave: while it's announced, and while it's frozen since.
ALTER TABLE wave ADD COLUMN announcement bigint;
ALTER TABLE wave DROP CONSTRAINT wave_state_check;
ALTER TABLE wave ADD CONSTRAINT wave_state_check CHECK (state IN (
    'planned', 'announced', 'frozen', 'moved', 'rolled_back', 'finalized', 'cancelled'));
ALTER TABLE wave ADD CONSTRAINT wave_announcement CHECK (
    announcement > 0 AND state IN ('announced', 'frozen') OR announcement IS NULL AND state <> 'announced');

DROP TRIGGER wave_takes_its_steps ON wave;
CREATE TRIGGER wave_takes_its_steps BEFORE UPDATE ON wave
FOR EACH ROW WHEN (
    NEW.migration <> OLD.migration OR NEW.number <> OLD.number OR NEW.size <> OLD.size
    OR NEW.first_position <> OLD.first_position
    OR NOT ((OLD.state = 'planned' AND NEW.state IN ('announced', 'frozen', 'moved', 'cancelled'))
            OR (OLD.state = 'announced' AND NEW.state IN ('frozen', 'planned', 'cancelled'))
            OR (OLD.state = 'frozen' AND NEW.state IN ('moved', 'planned', 'cancelled'))
            OR (OLD.state = 'moved' AND NEW.state IN ('rolled_back', 'finalized'))))
EXECUTE FUNCTION registry_refuse('a wave takes one step after the other');

-- Whether an agent fences itself, and until when a lease of it may run, by the store's clock. No default is left: a node
-- of an older release, which gives no leases, can't take in new agents any more.
ALTER TABLE agent ADD COLUMN fences boolean NOT NULL DEFAULT false, ADD COLUMN lease_until bigint;
ALTER TABLE agent ALTER COLUMN fences DROP DEFAULT;
