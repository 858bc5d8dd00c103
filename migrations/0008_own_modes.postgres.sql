-- What a domain's own mode is while a wave holds it frozen, where somebody has changed it since the plan:
-- what proxies are told then is the stricter of the two, and the end of the freeze gives back the own one.
ALTER TABLE migration_domain ADD COLUMN own_mode text COLLATE "C"
    CHECK (own_mode IN ('serve', 'read_only', 'reject'));
