-- Agents: copies of the routing table beside proxies. Not part of the log: nothing of the state hangs on
-- them, only the answer to the question who has it. None is ever forgotten, because a copy that nobody
-- remembers may still answer.
CREATE TABLE agent (
    name            TEXT    NOT NULL PRIMARY KEY
                    CHECK (length(name) BETWEEN 1 AND 100 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
    -- What it said last to have applied; none: nothing.
    epoch           TEXT    CHECK (length(epoch) BETWEEN 1 AND 64),
    revision        INTEGER CHECK (revision >= 0),
    first_seen      INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL CHECK (last_seen >= first_seen),
    -- The last eviction. One that isn't before last_seen holds.
    evicted_at      INTEGER,
    evicted_token   TEXT,
    evicted_name    TEXT,
    evicted_role    TEXT
                    CHECK (evicted_role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    eviction_reason TEXT    CHECK (length(eviction_reason) <= 500),
    eviction_ticket TEXT    CHECK (length(eviction_ticket) <= 100),
    CHECK ((epoch IS NULL) = (revision IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_token IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_name IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_role IS NULL)),
    CHECK (evicted_at IS NOT NULL OR (eviction_reason IS NULL AND eviction_ticket IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER agent_is_not_deleted BEFORE DELETE ON agent
BEGIN SELECT RAISE(ABORT, 'agents are evicted, not deleted'); END;
CREATE TRIGGER agent_is_not_replaced BEFORE INSERT ON agent
WHEN EXISTS (SELECT 1 FROM agent WHERE name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'agents are evicted, not replaced'); END;
