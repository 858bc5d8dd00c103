-- Agents: copies of the routing table beside proxies. Not part of the log: nothing of the state hangs on
-- them, only the answer to the question who has it. None is ever forgotten, because a copy that nobody
-- remembers may still answer.
CREATE TABLE agent (
    name            text   COLLATE "C" NOT NULL PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9._-]{1,100}$'),
    -- What it said last to have applied; none: nothing.
    epoch           text   COLLATE "C" CHECK (length(epoch) BETWEEN 1 AND 64),
    revision        bigint CHECK (revision >= 0),
    first_seen      bigint NOT NULL,
    last_seen       bigint NOT NULL CHECK (last_seen >= first_seen),
    -- The last eviction. One that isn't before last_seen holds.
    evicted_at      bigint,
    evicted_token   text,
    evicted_name    text,
    evicted_role    text
                    CHECK (evicted_role IN ('reader', 'registrar', 'auditor', 'operator', 'admin')),
    eviction_reason text   CHECK (length(eviction_reason) <= 500),
    eviction_ticket text   CHECK (length(eviction_ticket) <= 100),
    CHECK ((epoch IS NULL) = (revision IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_token IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_name IS NULL)),
    CHECK ((evicted_at IS NULL) = (evicted_role IS NULL)),
    CHECK (evicted_at IS NOT NULL OR (eviction_reason IS NULL AND eviction_ticket IS NULL))
);

CREATE TRIGGER agent_is_kept BEFORE DELETE OR TRUNCATE ON agent
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('agents are evicted, not deleted');
