/// The truth: state, log and idempotency records, written together.
///
/// Engines promise the same: one transaction a command, revisions without gaps in commit order,
/// nothing acknowledged that isn't durable. `StoreContractTests` holds each of them to it.
public protocol Store: ChangeSource, AgentBook {
    /// Writes state, log and idempotency record in one transaction; all or nothing. When it
    /// returns, this node's routing table has the change.
    func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed

    /// The stored answer to an earlier request with this key.
    /// - Returns: nil where the key is new.
    /// - Throws: `idempotencyKeyReused` where it was used for another request.
    func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed?

    func head() async throws(RegistryError) -> Head

    /// A domain as it was right after `revision`.
    /// - Throws: `unknownRevision` beyond the head.
    func domain(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain?

    /// Many domains as they were right after `revision`, in the order of `fqdns`.
    /// - Throws: `unknownRevision` beyond the head.
    func domains(_ fqdns: [FQDN], at revision: Revision) async throws(RegistryError) -> [Domain?]

    /// The list of domains as it was right after `revision`.
    /// - Throws: `unknownRevision` beyond the head.
    func domains(_ query: DomainQuery, at revision: Revision) async throws(RegistryError) -> Page<
        Domain
    >

    /// Locations, and domains by name, as they were right after `revision`. Tokens are left out:
    /// what opens doors has no past.
    /// - Returns: the head as it was then.
    /// - Throws: `unknownRevision` beyond the head.
    func snapshot(at revision: Revision, _ receive: @escaping @Sendable (SnapshotPart) -> Void)
        async throws(RegistryError) -> Head

    /// The last revision whose time is not after `time`.
    func revision(at time: Timestamp) async throws(RegistryError) -> Revision

    /// Whether a name is free, as the store sees it.
    func standing(of fqdn: FQDN) async throws(RegistryError) -> Read<NameStanding>

    /// - Returns: nil where no live domain has this tenant.
    func tenant(
        _ name: String, after: FQDN?, limit: Int
    ) async throws(RegistryError) -> Read<TenantPage?>

    /// By name.
    func tenants(_ query: TenantQuery) async throws(RegistryError) -> Read<Page<Tenant>>

    /// How many tenants are in more than one place.
    func splitTenantCount() async throws(RegistryError) -> Int

    /// Names that are held, by name.
    func holds(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<HeldDomain>>

    /// Whether a hold is over, and nobody has noted it yet, by the store's clock.
    func areHoldsDue() async throws(RegistryError) -> Bool

    /// Where signups that name no location land; nil where none is marked so.
    func defaultLocation() async throws(RegistryError) -> Location?

    func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>>
    func history(_ query: HistoryQuery) async throws(RegistryError) -> Read<Page<HistoryItem>>
    func locations(after: LocationName?, limit: Int) async throws(RegistryError) -> Read<
        Page<Location>
    >
    /// - Returns: nil where there is none.
    func location(_ name: LocationName) async throws(RegistryError) -> Read<Location?>
    func tokens(after: String?, limit: Int) async throws(RegistryError) -> Read<Page<TokenRecord>>

    /// By name.
    func webhooks(
        after: WebhookName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<WebhookStanding>>
    /// - Returns: nil where there is none.
    func webhook(_ name: WebhookName) async throws(RegistryError) -> Read<WebhookStanding?>
    /// What is to be told of the first revision after one in which one of these actions is.
    ///
    /// However long the log is, and however large that revision: it takes as long as the actions are many, and to count
    /// the revision's lines.
    /// - Returns: nil where there's none yet.
    func notice(
        after revision: Revision, of actions: [Action]
    ) async throws(RegistryError) -> WebhookNotice?
    /// Notes how far a webhook has come; a transaction of its own, beside the log.
    ///
    /// - Parameter record: as it was read. Where it isn't so any more, because an admin has changed it or another node has
    ///   delivered, nothing is written.
    /// - Returns: whether it was.
    func note(
        _ progress: WebhookProgress, of record: WebhookRecord
    ) async throws(RegistryError) -> Bool

    /// - Returns: nil where there is none. With the first of its skipped names.
    func migration(_ id: String) async throws(RegistryError) -> Read<Migration?>
    /// Newest first, without skipped names.
    func migrations(_ query: MigrationQuery) async throws(RegistryError) -> Read<Page<Migration>>
    /// By wave and name, the skipped ones last.
    func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>>
    /// Frozen waves that have come to their deadline, by the store's clock.
    func wavesDue() async throws(RegistryError) -> [WaveName]
    /// Computes the digest chain anew, holds the current state against the log, and the schema
    /// against its migrations, up to the head at which it begins. In many short reads, so that nobody
    /// waits for it.
    /// - Parameters:
    ///   - noted: a digest that was written down elsewhere.
    ///   - pace: how much of the time it takes for itself.
    ///   - progress: called now and then, on any thread.
    func verify(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification

    /// The log from a place on, up to a revision, for copies of the routing table: pages as long as the
    /// reader likes, whatever the size of a revision. What is past doesn't change, so it's read in many
    /// short transactions.
    func tableChanges(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> Page<TableChange>

    /// What the log says from a place on, up to a revision, of how many domains each location has: a part of it, read
    /// in many short transactions, with memory for the hours that it tells of.
    ///
    /// - Parameter limit: of lines that are read.
    /// - Throws: `unknownRevision` beyond the head.
    func domainFlow(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> DomainFlowPart

    /// Notes when tokens were last used. One that isn't there is passed over.
    func note(tokenUses: [String: Timestamp]) async throws(RegistryError)

    /// The serial of a zone that has this content: the one that it has had with it, else a new one, which is greater than
    /// any before, also under a new epoch or a clock that was set back. It's no revision, and not in the log; a
    /// transaction of its own. Every node gets the same for the same content.
    ///
    /// - Parameters:
    ///   - digest: of the content, 1 to 64 bytes.
    ///   - revision: at which the caller's memory is, and has the zone so.
    ///   - floor: what the zone was published with by others: this one is greater.
    /// - Returns: nil where the store has another content of a later revision: the caller is behind another node, and
    ///   has to catch up first.
    /// - Throws: `noSerialLeft`; `unknownRevision` beyond the head.
    func zoneSerial(
        of zone: FQDN, digest: [UInt8], at revision: Revision, above floor: UInt32
    ) async throws(RegistryError) -> ZoneSerial?

    /// Drops idempotency records that are older than their 24 hours, the oldest first, in a short
    /// transaction of its own: writers come in between two calls.
    /// - Parameter limit: so many at most.
    /// - Returns: how many were dropped.
    func forgetKeys(atMost limit: Int) async throws(RegistryError) -> Int

    /// What the store's clocks say.
    func clocks() async throws(RegistryError) -> StoreClocks

    /// A copy of everything at one revision, checked page by page, while writes go on.
    /// - Throws: `backupRunning` while another one is being made, `storageFull` where there's no room
    ///   for it, `backupUnsupported` where the engine has tools of its own for that.
    func backup() async throws(RegistryError) -> StoreCopy

    /// Returns when the store can't be trusted any more: the process must stop. Returns early when
    /// the surrounding task is cancelled.
    func waitForFailure() async

    /// Finishes the writes that are under way and closes the files.
    func close() async
}

/// Where a copy of the table begins.
public protocol ChangeSource: Sendable {
    /// Everything at one revision.
    func snapshot(_ receive: @escaping @Sendable (SnapshotPart) -> Void) async throws(RegistryError)
        -> Head
}

/// A piece of a snapshot, in the order: locations, tokens, the number of open migrations, frozen waves, domains
/// by name.
public enum SnapshotPart: Sendable {
    case locations([Location])
    case tokens([TokenRecord])
    case openMigrations(Int)
    case frozenWaves([FrozenWave])
    case domains([Domain])
}

/// A value and the revision that it was read at.
public struct Read<Value: Sendable>: Sendable {
    public var value: Value
    public var revision: Revision
    /// Where whoever read it knows: a copy's table may be of another one at the next reading.
    public var epoch: Epoch?

    public init(_ value: Value, at revision: Revision, of epoch: Epoch? = nil) {
        self.value = value
        self.revision = revision
        self.epoch = epoch
    }

    public init(_ value: Value, at position: Position) {
        self.init(value, at: position.revision, of: position.epoch)
    }
}

/// One page of a list. `hasMore` says whether a next one exists.
public struct Page<Item: Sendable>: Sendable {
    public var items: [Item]
    public var hasMore: Bool

    public init(items: [Item], hasMore: Bool) {
        self.items = items
        self.hasMore = hasMore
    }

    /// The first ones, in the memory that they're in.
    package init(first limit: Int, takenFrom found: inout [Item]) {
        items = []
        swap(&items, &found)
        hasMore = items.count > limit
        if hasMore { items.removeLast(items.count - limit) }
    }
}

extension Page: Equatable where Item: Equatable {}
extension Page: Hashable where Item: Hashable {}

/// What a name is to the store.
public enum NameStanding: Sendable, Hashable {
    case free
    case live
    case held(until: Timestamp)
    case quarantined(until: Timestamp)
    /// Free, but below or above a name of somebody's.
    case entangled(with: FQDN)
}

/// A copy of the whole store. It goes away with the last reference.
public struct StoreCopy: Sendable {
    /// Where the copy's log ends.
    public let head: Head
    public let byteCount: Int64
    /// At most `count` bytes from `offset` on; none at the end. Blocks.
    public let read: @Sendable (_ offset: Int64, _ count: Int) throws -> [UInt8]

    public init(
        head: Head, byteCount: Int64,
        read: @escaping @Sendable (_ offset: Int64, _ count: Int) throws -> [UInt8]
    ) {
        self.head = head
        self.byteCount = byteCount
        self.read = read
    }
}

/// A store that several nodes share: what others write, a node has to be told.
public protocol SharedStore: Store, SharedAgentBook {
    /// Tells this node of every revision after the one that its memory was loaded at, whoever writes it.
    func follow(after position: Position)

    /// How long nothing has been heard from the database: how old, at most, what this node answers is. A
    /// second or two while all is well.
    var silence: Duration { get }

    /// Whether this node, alone among all, does the work that one has to do. Another takes it over when
    /// this one is gone.
    var isOnDuty: Bool { get }

    /// Until when the certificate holds that the database showed when this node last connected to follow it; nil where it
    /// showed none.
    var certificateEnd: Timestamp? { get }

    /// What is wrong with the way to the database, in words for the operator, where this node can't keep
    /// its promises until that is put right.
    var flaw: String? { get }
}

/// The two clocks of a store, which have two jobs.
///
/// The log's stamps never go back: a clock that once ran ahead leaves them ahead. What is to happen
/// later, or lasts for a while, is set and judged by the time that it is.
public struct StoreClocks: Sendable, Hashable {
    /// The head's stamp: no row of the log has a later one.
    public var stamp: Timestamp
    /// The time that it is, by which the store sets and judges deadlines, quarantines and ages.
    public var now: Timestamp

    public init(stamp: Timestamp, now: Timestamp) {
        self.stamp = stamp
        self.now = now
    }

    /// How far the log is ahead of the clock; zero where it isn't.
    public var ahead: Duration { max(.zero, stamp.since(now)) }
}

/// How many live domains each location has, in a node's memory, and at which revision; nil until the
/// table is loaded. A location that isn't named has none.
public typealias DomainCounts = @Sendable () -> Read<[LocationName: Int]>?
