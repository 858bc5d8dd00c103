-- Agents that are evicted, and haven't been heard of for long, may be forgotten: nobody waits for them, and names
-- that somebody made up mustn't stay for ever. Those that count are kept as before.
DROP TRIGGER agent_is_not_deleted;
CREATE TRIGGER agent_is_evicted_first BEFORE DELETE ON agent
WHEN OLD.evicted_at IS NULL OR OLD.evicted_at < OLD.last_seen
BEGIN SELECT RAISE(ABORT, 'agents are evicted before they are deleted'); END;
