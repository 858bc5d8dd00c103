import RegistryModel

/// What an engine offers inside one write transaction: plain reads and writes of rows, no rules.
///
/// Calls are synchronous and come from the engine's writing thread: SQLite has one writer, and
/// libpq blocks. Whatever they throw that isn't a `RegistryError` is the engine's own failure.
package protocol LedgerTransaction: MigrationTransaction, TenantTransaction, NameReader {
    /// The head, locked against other writers until the transaction ends.
    func head() throws -> Head
    func advanceHead(to head: Head) throws

    /// Writes changes into the log of a revision whose header comes later, from `position` on.
    func append(_ changes: [Change], to revision: Revision, from position: Int) throws
    func append(_ header: RevisionHeader, digest: [UInt8], changeCount: Int) throws

    func insert(_ domain: Domain) throws
    func update(_ domain: Domain) throws
    func deleteDomain(_ fqdn: FQDN) throws

    func insert(_ released: ReleasedDomain) throws
    func deleteReleased(_ fqdn: FQDN) throws

    func insert(_ held: HeldDomain) throws
    func deleteHeld(_ fqdn: FQDN) throws
    /// The first holds that are over, by their end.
    func holdsDue(at now: Timestamp, limit: Int) throws -> [HeldDomain]

    func location(_ name: LocationName) throws -> Location?
    func defaultLocation() throws -> Location?
    func locationCount() throws -> Int
    func put(_ location: Location) throws
    func deleteLocation(_ name: LocationName) throws
    /// Whether a live domain is there, a held one, or a released one whose quarantine lasts beyond `now`.
    func isReferenced(_ location: LocationName, at now: Timestamp) throws -> Bool

    func token(_ id: String) throws -> TokenRecord?
    func insert(_ token: TokenRecord) throws
    func revokeToken(_ id: String, at now: Timestamp) throws
    /// - Parameter lasting: whether only those count that never expire.
    func hasActiveAdmin(besides id: String, at now: Timestamp, lasting: Bool) throws -> Bool

    func webhook(_ name: WebhookName) throws -> WebhookRecord?
    func webhookCount() throws -> Int
    /// Whether there's a revision after another one with one of these actions.
    func hasRevision(after revision: Revision, of actions: [Action]) throws -> Bool
    /// Puts it in the place of one with its name, how far it has come included.
    func put(_ record: WebhookRecord) throws
    func deleteWebhook(_ name: WebhookName) throws

    func idempotencyRecord(token: String, key: String) throws -> IdempotencyRecord?
    /// Takes the place of an older record with the same token and key.
    func put(_ record: IdempotencyRecord) throws
}

/// The first answer to a request with an `Idempotency-Key`.
package struct IdempotencyRecord: Sendable, Hashable {
    package var key: IdempotencyKey
    package var revision: Revision
    package var outcome: Outcome
    package var createdAt: Timestamp

    /// How long a key is remembered.
    package static let lifetime = Duration.seconds(24 * 60 * 60)

    package init(key: IdempotencyKey, revision: Revision, outcome: Outcome, createdAt: Timestamp) {
        self.key = key
        self.revision = revision
        self.outcome = outcome
        self.createdAt = createdAt
    }

    /// The answer again.
    /// - Returns: nil where the record is too old to count.
    /// - Throws: `idempotencyKeyReused` where the key came with another request.
    package func replay(of request: IdempotencyKey, at now: Timestamp) throws(RegistryError)
        -> Committed?
    {
        // One from a clock that ran ahead has an age below zero, and counts: a repeated request must not
        // act twice because a clock was set.
        guard now.since(createdAt) < Self.lifetime else { return nil }
        guard key.requestDigest == request.requestDigest else { throw .idempotencyKeyReused }
        return Committed(revision: revision, outcome: outcome, isReplay: true)
    }
}
