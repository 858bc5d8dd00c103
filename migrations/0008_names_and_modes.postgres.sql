-- What a domain's own mode is while a wave holds it frozen, where somebody has changed it since the plan:
-- what proxies are told then is the stricter of the two, and the end of the freeze gives back the own one.
ALTER TABLE migration_domain ADD COLUMN own_mode text COLLATE "C"
    CHECK (own_mode IN ('serve', 'read_only', 'reject'));

-- Every name that is live or was released, with its labels from the last to the first: what lies below a name
-- stands side by side, so that one look finds it among a million. Nothing is taken out: a released name is known
-- until it's registered again. Beside the domains, for a wave changes each of them, and no name.
CREATE TABLE name_tree (
    key  text COLLATE "C" NOT NULL PRIMARY KEY,
    fqdn text COLLATE "C" NOT NULL
);

INSERT INTO name_tree (key, fqdn)
SELECT (SELECT string_agg(label, '.' ORDER BY place DESC)
        FROM unnest(string_to_array(n.fqdn, '.')) WITH ORDINALITY AS part (label, place)), n.fqdn
FROM (SELECT fqdn FROM domain UNION ALL SELECT fqdn FROM released_domain) n;
