/// Every kind of problem, as its page tells of it: what `type` in a problem points at.
///
/// The codes, statuses and occasions are those of the table in openapi.yaml; a test compares the two, and another
/// whether each problem that tests ever see is in here.
struct ProblemKind: Sendable {
    let code: String
    /// More than one where the same reason is met in several places.
    let statuses: [Int]
    /// When it happens.
    let when: String
    /// What whoever meets it can do.
    let advice: String

    /// - Returns: nil where no problem has the code.
    static func of(_ code: String) -> ProblemKind? { all.first { $0.code == code } }

    static let all: [ProblemKind] = [
        ProblemKind(
            code: "bad-http", statuses: [400],
            when: "the HTTP parser gave up; the connection is closed",
            advice:
                "Send HTTP/1.1 in its strict form: one Host, no blanks before a colon, one length."),
        ProblemKind(
            code: "invalid-json", statuses: [400],
            when: "not JSON, duplicate keys, trailing bytes, invalid UTF-8, nesting over 32",
            advice: "Send one JSON object in UTF-8. detail says where it stops being JSON."),
        ProblemKind(
            code: "invalid-request", statuses: [400],
            when: "validation; errors names each field",
            advice:
                "Mend each field that errors names: its pointer says where, its detail what is expected."
        ),
        ProblemKind(
            code: "invalid-fqdn", statuses: [400],
            when: "a malformed name; detail has the rule that it broke",
            advice:
                "Mend the name by the rule in detail. Names outside ASCII are sent in lower case, composed, or as A-labels."
        ),
        ProblemKind(
            code: "invalid-list", statuses: [400],
            when: "a list that can't be read; detail says where and why",
            advice:
                "Send a name a line as text/plain, CSV with a header line that names the column fqdn, or NDJSON with a member fqdn. A line has 65,536 bytes at most."
        ),
        ProblemKind(
            code: "invalid-cursor", statuses: [400],
            when: "a cursor that this list can't have given",
            advice:
                "Begin the list again without a cursor, and send each next_cursor with the same filters."
        ),
        ProblemKind(
            code: "invalid-idempotency-key", statuses: [400],
            when: "an Idempotency-Key that isn't 1 to 255 characters of printable ASCII",
            advice: "Send 1 to 255 characters of printable ASCII, a UUID for example."),
        ProblemKind(
            code: "unauthenticated", statuses: [401],
            when: "no token, or a wrong, revoked or expired one",
            advice:
                "Send Authorization: Bearer trk_… with a token that is valid. An admin makes tokens; the first one is in <data-dir>/admin-token."
        ),
        ProblemKind(
            code: "forbidden", statuses: [403],
            when: "the token's role doesn't suffice; for override it must be admin",
            advice:
                "Ask an admin for a token of a role that may do this. openapi.yaml names the least role of each operation."
        ),
        ProblemKind(
            code: "self-approval", statuses: [403],
            when: "the wave was planned with the token that would approve it",
            advice:
                "Have somebody else look at the plan and approve it, with a token of their own. GET /v1/whoami says which token this is."
        ),
        ProblemKind(
            code: "not-found", statuses: [404],
            when: "no such path",
            advice: "Compare the path with openapi.yaml. A name in a path is percent-encoded."),
        ProblemKind(
            code: "unknown-domain", statuses: [404],
            when: "the name isn't registered, or wasn't then",
            advice:
                "Register the name, or restore it where it was released. History says whether it was ever here."
        ),
        ProblemKind(
            code: "unknown-location", statuses: [404, 422],
            when: "404 on DELETE; 422 for one in a body or a query, or of a domain to restore",
            advice:
                "GET /v1/locations lists those that there are; PUT /v1/locations/{name} makes one."),
        ProblemKind(
            code: "unknown-tenant", statuses: [404], when: "no live domain has this tenant",
            advice: "Look for it: GET /v1/tenants?prefix=."
        ),
        ProblemKind(
            code: "unknown-migration", statuses: [404],
            when: "no such migration",
            advice: "GET /v1/migrations lists those that there are. A dry run has no id."),
        ProblemKind(
            code: "unknown-wave", statuses: [404],
            when: "the migration has no such wave",
            advice:
                "GET /v1/migrations/{id} shows the waves. One that nothing was left for isn't planned."
        ),
        ProblemKind(
            code: "unknown-token", statuses: [404],
            when: "no such token, or already revoked",
            advice:
                "GET /v1/tokens lists those that work. The id is the part between the two underscores."
        ),
        ProblemKind(
            code: "unknown-agent", statuses: [404],
            when: "no agent that counts has the name",
            advice:
                "GET /v1/agents lists those that count; with evicted=true, those that were evicted."
        ),
        ProblemKind(
            code: "unknown-revision", statuses: [404],
            when: "a revision beyond the head",
            advice:
                "Ask for a revision up to the head. After a restore, revisions that weren't in the backup are gone."
        ),
        ProblemKind(
            code: "unknown-format", statuses: [404],
            when: "an export that there isn't",
            advice: "Ask for nginx-map, haproxy-map, csv or traefik."),
        ProblemKind(
            code: "invalid-zone", statuses: [400],
            when:
                "a master file that can't be read, or that isn't a part of the zone; detail has the line",
            advice: "Mend the line in detail. named-checkzone says more of what it doesn't like."),
        ProblemKind(
            code: "dns-target-missing", statuses: [409],
            when: "a zone that needs a location of which nobody has said how the DNS leads there",
            advice:
                "Set the location's dns: PUT /v1/locations/{name}, or locations set NAME --dns-a ADDRESS."
        ),
        ProblemKind(
            code: "zone-conflict", statuses: [409],
            when: "a zone that the form can't hold, or that would contradict itself",
            advice:
                "detail names both sides: change the location's dns, or the operator's record, or take another form."
        ),
        ProblemKind(
            code: "resync", statuses: [410],
            when: "a follower has to begin again with a snapshot",
            advice: "Read GET /v1/snapshot, and follow the changes from its revision and epoch."),
        ProblemKind(
            code: "verification-running", statuses: [409],
            when: "another check of the whole log is under way",
            advice: "Wait for the check that is under way, and ask again."),
        ProblemKind(
            code: "method-not-allowed", statuses: [405],
            when: "the path doesn't have the method; Allow names those that it has",
            advice: "Send one of the methods that Allow names."),
        ProblemKind(
            code: "not-acceptable", statuses: [406],
            when: "Accept doesn't take JSON",
            advice: "Leave Accept out, or name a type that detail names."),
        ProblemKind(
            code: "request-timeout", statuses: [408],
            when: "the request didn't arrive in time; the connection is closed",
            advice: "Send the whole request sooner, on a new connection."),
        ProblemKind(
            code: "domain-taken", statuses: [409],
            when: "the name is registered",
            advice:
                "Choose another name. A repeated registration that was yours is told apart by an Idempotency-Key."
        ),
        ProblemKind(
            code: "domain-held", statuses: [409],
            when: "somebody holds the name; available_at says until when, at the latest",
            advice:
                "Whoever holds it activates or releases it, and so may an operator. Take another name, or ask again when the hold has ended."
        ),
        ProblemKind(
            code: "domain-quarantined", statuses: [409],
            when: "the name was released; available_at says until when",
            advice:
                "Choose another name, wait until available_at, or have an operator restore the domain."
        ),
        ProblemKind(
            code: "name-entangled", statuses: [409],
            when: "another tenant has a name below or above: entangled_with",
            advice:
                "Choose another name, or have an operator send allow_nested where both are meant to stand."
        ),
        ProblemKind(
            code: "location-closed", statuses: [409],
            when: "the location doesn't take signups",
            advice:
                "Name a location that takes signups, or have an admin open this one or make another the default."
        ),
        ProblemKind(
            code: "location-in-use", statuses: [409],
            when:
                "domains, live, held or in quarantine, or an open migration refer to the location",
            advice:
                "Move its domains, end the migrations that refer to it, and wait for quarantines to end."
        ),
        ProblemKind(
            code: "default-location-required", statuses: [409],
            when: "it would leave no default for signups",
            advice: "Make another location the default first: one PUT with default_for_signups."),
        ProblemKind(
            code: "too-many-locations", statuses: [409],
            when: "there are as many locations as there may be",
            advice: "Delete locations that nothing refers to."),
        ProblemKind(
            code: "unknown-webhook", statuses: [404], when: "there is no webhook of this name",
            advice: "GET /v1/webhooks lists them."),
        ProblemKind(
            code: "too-many-webhooks", statuses: [409],
            when: "there are as many webhooks as there may be",
            advice: "Delete those that nobody listens to; one receiver may hand on to others."),
        ProblemKind(
            code: "webhook-forbidden", statuses: [422],
            when: "the URL leads where no delivery may go",
            advice:
                "Use https and a host that isn't this machine, a link-local address or a cloud's metadata service. For a receiver on the registry's own machine, serve --allow-plain-webhooks."
        ),
        ProblemKind(
            code: "tenant-elsewhere", statuses: [409],
            when: "the tenant's other domains are at locations",
            advice:
                "Leave location out, so that the domain goes where its tenant is; move the tenant first; or have an operator send allow_split, where the customer's data is meant to be in two places."
        ),
        ProblemKind(
            code: "tenant-split", statuses: [409],
            when: "the move would part the domain from its tenant's others",
            advice:
                "Move all of them at once, PATCH /v1/tenants/{tenant}, or in a migration; or send allow_split, where the customer's data is meant to be in two places."
        ),
        ProblemKind(
            code: "domain-in-migration", statuses: [409],
            when: "the domain is in a frozen wave; migration and wave say which",
            advice: "Wait until its wave has moved or thawed, or thaw the wave."),
        ProblemKind(
            code: "wrong-state", statuses: [409],
            when: "the wave, or the migration, is in a state that forbids it; state is that state",
            advice:
                "Look at the migration: state is what it is now. Another step, or somebody else, came before."
        ),
        ProblemKind(
            code: "wave-conflict", statuses: [409],
            when:
                "domains aren't as the plan, or the step before, left them, or have come to a tenant of the wave's since; conflicts has the first 1000",
            advice:
                "Look at conflicts: put those domains back as they were, move or release those that are new, or plan again. Nothing was changed."
        ),
        ProblemKind(
            code: "blast-radius", statuses: [409],
            when: "the wave is too large, or leaves too few domains behind",
            advice: "Plan smaller waves, or have an admin send an override with a reason."),
        ProblemKind(
            code: "approval-required", statuses: [409],
            when:
                "the wave is so large that somebody else than its planner has to approve it first",
            advice:
                "Have somebody with another operator's or admin's token approve it: tenant-registry migrations approve ID --wave N."
        ),
        ProblemKind(
            code: "not-converged", statuses: [409],
            when: "an agent isn't known to have applied the freeze; lagging names those",
            advice: "Wait for the agents in lagging, or evict those whose proxies are stopped."),
        ProblemKind(
            code: "not-safe", statuses: [409],
            when:
                "an agent may let a write through to a wave that was announced and is frozen; lagging names those",
            advice:
                "Wait: what is cut off fences itself. Whoever doesn't know the announcement, or can't fence, has to report or to be evicted."
        ),
        ProblemKind(
            code: "too-many-agents", statuses: [409],
            when: "an agent that is new would be one more than there may be",
            advice: "Evict agents that are gone: tenant-registry agents evict --silent-for."),
        ProblemKind(
            code: "last-admin-token", statuses: [409],
            when: "it would leave no admin token that lasts",
            advice: "Make another admin token without expiry first."),
        ProblemKind(
            code: "revision-mismatch", statuses: [412],
            when:
                "If-Match doesn't hold; revision is the current one, absent for an unknown domain",
            advice:
                "Read the domain again, look at what changed, and send its new ETag, without W/."),
        ProblemKind(
            code: "plan-mismatch", statuses: [412],
            when: "the digest isn't the plan's, or the count not the wave's size",
            advice:
                "Read the migration again, review it, and send its plan_digest and the wave's size."
        ),
        ProblemKind(
            code: "body-too-large", statuses: [413],
            when: "the body is over the limit; the connection is closed",
            advice: "Send less at a time: batches and migrations can be cut."),
        ProblemKind(
            code: "unsupported-media-type", statuses: [415],
            when: "the body isn't declared as JSON in UTF-8, or is compressed",
            advice: "Send Content-Type: application/json, in UTF-8, without Content-Encoding."),
        ProblemKind(
            code: "domain-outside-suffix", statuses: [422],
            when: "the name isn't below a parent that this registry serves",
            advice:
                "Register a name below one of the parents that the service was started with (--suffix)."
        ),
        ProblemKind(
            code: "domain-reserved", statuses: [422],
            when: "the name is on the reserved list",
            advice: "Choose another name. The operator can replace the list (--reserved-names)."),
        ProblemKind(
            code: "idempotency-key-reused", statuses: [422],
            when: "the key came with another request before",
            advice: "Send a new key with a new request; repeat a key only with the very same one."),
        ProblemKind(
            code: "headers-too-large", statuses: [431],
            when: "the header fields are too large; the connection is closed",
            advice:
                "Send fewer and shorter header fields: a proxy needs none of its visitors' cookies here."
        ),
        ProblemKind(
            code: "internal", statuses: [500],
            when: "a defect of the service",
            advice: "Look for request_id in the service's log, and report what is there."),
        ProblemKind(
            code: "backup-running", statuses: [409],
            when: "another backup is being made",
            advice: "Wait for the backup that is under way."),
        ProblemKind(
            code: "backup-failed", statuses: [500],
            when: "the copy couldn't be made, or isn't sound; the store is as it was",
            advice: "Look into the service's log: the disk may be full, or the store damaged."),
        ProblemKind(
            code: "backup-unsupported", statuses: [501],
            when: "the store's own tools make its backups",
            advice: "Use pg_dump, or what else backs up your PostgreSQL."),
        ProblemKind(
            code: "needs-registry", statuses: [501],
            when: "an agent was asked for what only a registry has: the past",
            advice: "Send the request to the registry itself."),
        ProblemKind(
            code: "not-ready", statuses: [503],
            when: "the routing table isn't loaded, or the service is stopping",
            advice: "Repeat after Retry-After, or ask another node. /readyz says when it's ready."),
        ProblemKind(
            code: "overloaded", statuses: [503],
            when: "too much is under way; nothing was done",
            advice: "Repeat after Retry-After, with less at a time."),
        ProblemKind(
            code: "store-failed", statuses: [503],
            when:
                "the store can't acknowledge and the service is about to exit; a write may or may not be there",
            advice:
                "Look up what became of the write once the service is back, or repeat it with the same Idempotency-Key."
        ),
        ProblemKind(
            code: "store-unavailable", statuses: [503],
            when:
                "the database can't be reached, or a pooler gives this node's sessions to others; nothing was written",
            advice:
                "Repeat after Retry-After, with the same Idempotency-Key. Lookups go on meanwhile."),
        ProblemKind(
            code: "store-limit", statuses: [503],
            when: "a setting of the database doesn't allow this; nothing was written",
            advice: "Raise the setting that detail names, in the database."),
        ProblemKind(
            code: "no-serial-left", statuses: [503],
            when: "a zone has changed, and its serial is the last one that there is",
            advice:
                "Serials don't begin again by themselves. Have each secondary drop its copy of the zone, then set a lower one in the table zone_serial, without its trigger zone_serial_goes_up for as long."
        ),
        ProblemKind(
            code: "outcome-unknown", statuses: [503],
            when: "the database went away under the commit; the write may or may not be there",
            advice:
                "Repeat the request with the same Idempotency-Key: it's done once, whatever became of the first try."
        ),
        ProblemKind(
            code: "revision-not-reached", statuses: [504],
            when: "this node didn't reach min_revision in 5 s",
            advice: "Repeat, or ask the node that took the write."),
        ProblemKind(
            code: "storage-full", statuses: [507],
            when: "the disk is full; nothing was written",
            advice: "Make room on the disk. Reads go on, and writes as soon as there is room."),
    ]
}
