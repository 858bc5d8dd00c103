-- What an agent has said to have of the log's own epoch beyond its end: a sign that the store was put back under its
-- old epoch. It stays, whatever the agent says later, until the agent is evicted; under another epoch it says nothing.
ALTER TABLE agent ADD COLUMN ahead_epoch TEXT CHECK (length(ahead_epoch) BETWEEN 1 AND 64);
ALTER TABLE agent ADD COLUMN ahead_revision INTEGER
    CHECK (ahead_revision >= 0 AND (ahead_epoch IS NULL) = (ahead_revision IS NULL));
