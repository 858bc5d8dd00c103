-- Agents that are evicted, and haven't been heard of for long, may be forgotten: nobody waits for them, and names
-- that somebody made up mustn't stay for ever. Those that count are kept as before.
DROP TRIGGER agent_is_kept ON agent;
CREATE TRIGGER agent_is_kept BEFORE TRUNCATE ON agent
FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('agents are evicted, not deleted');
CREATE TRIGGER agent_is_evicted_first BEFORE DELETE ON agent
FOR EACH ROW WHEN (OLD.evicted_at IS NULL OR OLD.evicted_at < OLD.last_seen)
EXECUTE FUNCTION registry_refuse('agents are evicted before they are deleted');
