import RegistryModel

/// A store whose writes or reads fail in a way that can't be brought about from outside.
struct FailingStore: Store {
    let store: any Store
    let failure: RegistryError
    let isMeant: @Sendable (CommitRequest) -> Bool
    /// Whether the read that begins now fails.
    let isReadMeant: @Sendable () -> Bool

    func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        guard isMeant(request) else { return try await store.commit(request) }
        throw failure
    }

    private func look() throws(RegistryError) {
        guard !isReadMeant() else { throw failure }
    }

    func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed? {
        try look()
        return try await store.replay(of: key)
    }

    func head() async throws(RegistryError) -> Head {
        try look()
        return try await store.head()
    }

    func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain? {
        try look()
        return try await store.domain(fqdn, at: revision)
    }

    func domains(
        _ fqdns: [FQDN], at revision: Revision
    ) async throws(RegistryError) -> [Domain?] {
        try look()
        return try await store.domains(fqdns, at: revision)
    }

    func domains(
        _ query: DomainQuery, at revision: Revision
    ) async throws(RegistryError) -> Page<Domain> {
        try look()
        return try await store.domains(query, at: revision)
    }

    func snapshot(
        at revision: Revision, _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try look()
        return try await store.snapshot(at: revision, receive)
    }

    func revision(at time: Timestamp) async throws(RegistryError) -> Revision {
        try look()
        return try await store.revision(at: time)
    }

    func standing(of fqdn: FQDN) async throws(RegistryError) -> Read<NameStanding> {
        try look()
        return try await store.standing(of: fqdn)
    }

    func tenant(
        _ name: String, after: FQDN?, limit: Int
    ) async throws(RegistryError) -> Read<TenantPage?> {
        try look()
        return try await store.tenant(name, after: after, limit: limit)
    }

    func tenants(_ query: TenantQuery) async throws(RegistryError) -> Read<Page<Tenant>> {
        try look()
        return try await store.tenants(query)
    }

    func holds(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<HeldDomain>> {
        try look()
        return try await store.holds(query)
    }

    func areHoldsDue() async throws(RegistryError) -> Bool {
        try look()
        return try await store.areHoldsDue()
    }

    func splitTenantCount() async throws(RegistryError) -> Int {
        try look()
        return try await store.splitTenantCount()
    }

    func defaultLocation() async throws(RegistryError) -> Location? {
        try look()
        return try await store.defaultLocation()
    }

    func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>> {
        try look()
        return try await store.domains(query)
    }

    func history(_ query: HistoryQuery) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        try look()
        return try await store.history(query)
    }

    func locations(
        after: LocationName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<Location>> {
        try look()
        return try await store.locations(after: after, limit: limit)
    }

    func location(_ name: LocationName) async throws(RegistryError) -> Read<Location?> {
        try look()
        return try await store.location(name)
    }

    func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        try look()
        return try await store.tokens(after: after, limit: limit)
    }

    func webhooks(
        after: WebhookName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<WebhookStanding>> {
        try look()
        return try await store.webhooks(after: after, limit: limit)
    }

    func webhook(_ name: WebhookName) async throws(RegistryError) -> Read<WebhookStanding?> {
        try look()
        return try await store.webhook(name)
    }

    func notice(
        after revision: Revision, of actions: [Action]
    ) async throws(RegistryError) -> WebhookNotice? {
        try look()
        return try await store.notice(after: revision, of: actions)
    }

    func note(
        _ progress: WebhookProgress, of record: WebhookRecord
    ) async throws(RegistryError) -> Bool {
        try look()
        return try await store.note(progress, of: record)
    }

    func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try look()
        return try await store.migration(id)
    }

    func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try look()
        return try await store.migrations(query)
    }

    func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        try look()
        return try await store.domains(of: query)
    }

    func wavesDue() async throws(RegistryError) -> [WaveName] {
        try look()
        return try await store.wavesDue()
    }

    func clocks() async throws(RegistryError) -> StoreClocks {
        try look()
        return try await store.clocks()
    }

    func verify(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        try look()
        return try await store.verify(noted, pace: pace, progress: progress)
    }

    func tableChanges(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> Page<TableChange> {
        try look()
        return try await store.tableChanges(after: place, through: last, limit: limit)
    }

    func note(tokenUses: [String: Timestamp]) async throws(RegistryError) {
        try look()
        return try await store.note(tokenUses: tokenUses)
    }

    func zoneSerial(
        of zone: FQDN, digest: [UInt8], at revision: Revision, above floor: UInt32
    ) async throws(RegistryError) -> ZoneSerial? {
        try look()
        return try await store.zoneSerial(of: zone, digest: digest, at: revision, above: floor)
    }

    func domainFlow(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> DomainFlowPart {
        try look()
        return try await store.domainFlow(after: place, through: last, limit: limit)
    }

    func forgetKeys(atMost limit: Int) async throws(RegistryError) -> Int {
        try look()
        return try await store.forgetKeys(atMost: limit)
    }

    func agents() async throws(RegistryError) -> [AgentRecord] {
        try look()
        return try await store.agents()
    }

    func note(
        _ reports: [AgentReport], limit: Int
    ) async throws(RegistryError) -> [AgentName: Timestamp] {
        try look()
        return try await store.note(reports, limit: limit)
    }

    func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction? {
        try look()
        return try await store.evict(agent, by: actor, note, idempotency: key)
    }

    func forgetAgents(
        silentFor silence: Duration
    ) async throws(RegistryError) -> [AgentName] {
        try look()
        return try await store.forgetAgents(silentFor: silence)
    }

    func backup() async throws(RegistryError) -> StoreCopy {
        try look()
        return try await store.backup()
    }

    func waitForFailure() async { await store.waitForFailure() }

    func close() async { await store.close() }

    func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try look()
        return try await store.snapshot(receive)
    }
}
