import RegistryModel

/// Where every domain lives, in memory: what a lookup reads instead of the store.
///
/// One writer, the store's; any number of readers on any thread. A reader sees whole revisions
/// only. Every read throws `notReady` until the table has been loaded: "unknown" is never said
/// without knowing.
public protocol RoutingTable: AnyObject, Sendable {
    /// What the table holds; nil until it has been loaded.
    var position: Position? { get }

    /// What routes are answered at: `position`, but for a table that can answer them before it has been loaded.
    var routePosition: Position? { get }

    func find(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain?>

    /// All at one revision, in the order of `fqdns`.
    func find(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]>

    /// What a proxy needs of a name in its canonical form, nil for nothing: for lookups that have no time to make
    /// values of it.
    ///
    /// - Parameters:
    ///   - name: nil: what nobody can have, for example a host that is no name.
    ///   - body: called once, unless this throws; `position` is what it was read at.
    func route(
        _ name: UnsafeRawBufferPointer?, _ body: (RouteTarget?, _ position: Position) -> Void
    ) throws(RegistryError)

    /// Finds a name by the bytes of its canonical form, and shows what is there, nil for nothing,
    /// in place: for lookups that have no time to make values of it.
    ///
    /// - Parameter body: called once, unless this throws; `position` is what it was read at.
    func withEntry(
        _ name: UnsafeRawBufferPointer, _ body: (TableEntry?, _ position: Position) -> Void
    ) throws(RegistryError)

    /// Shows every domain, in place and in no order, all at one revision, which waits for nobody and
    /// for which nobody waits.
    ///
    /// - Parameters:
    ///   - begin: called once, before the first.
    ///   - body: its arguments are good until it returns.
    func forEachEntry(
        _ begin: (Position, TableSummary) -> Void,
        _ body: (_ name: UnsafeRawBufferPointer, TableEntry) -> Void
    ) throws(RegistryError)

    func statistics() throws(RegistryError) -> Read<TableStatistics>

    /// What other copies at this revision have too, and how many domains it sums up.
    func digest() throws(RegistryError) -> Read<(TableDigest, count: Int)>

    /// The same, with the locations that the digest sums up too.
    func summary() throws(RegistryError) -> Read<TableSummary>

    /// Takes the place of whatever the table held.
    func load(_ domains: [Domain], locations: [Location], at position: Position)

    /// The same, part by part, for tables too large to lie in an array first.
    func beginLoad() -> any TableLoad

    /// Takes in one revision; each domain that it sets has its number.
    ///
    /// - Returns: false for a revision that doesn't follow the table's own, because something was missed,
    ///   and for one that the table can't hold; nothing was applied. A revision that the table already has is passed over.
    func apply(_ changes: RevisionChanges) -> Bool

    /// The same, change by change, for revisions too large to lie in an array first.
    func beginStage() -> any TableStage

    /// Every domain by name, in memory of its own: for files, which take their time.
    func packed() throws(RegistryError) -> PackedTable

    /// What a location has now, for a list that is held against it and may take its time.
    ///
    /// - Returns: nil where there is no such location.
    func checklist(of location: LocationName) throws(RegistryError) -> LocationChecklist?

    /// Waits until the table is at `revision` or later.
    /// - Returns: whether it got there in time.
    func reaches(_ revision: Revision, within limit: Duration) async -> Bool
}

/// A table being read in. Nobody sees any of it before it's finished; one that is never finished
/// leaves the table as it was.
public protocol TableLoad: AnyObject, Sendable {
    func add(_ locations: [Location])

    /// A name that comes twice is as it came last.
    func add(_ domains: [Domain])

    /// What was added takes the place of whatever the table held.
    ///
    /// - Returns: false where it's more than a table can hold: then that stays as it was.
    func finish(at position: Position) -> Bool
}

/// Revisions being read in, in the order of their changes. Nobody sees any of it before it's applied; what is
/// never applied leaves the table as it was.
public protocol TableStage: AnyObject, Sendable {
    /// A domain is now so; its revision is the change's.
    func set(_ domain: Domain)
    func remove(_ fqdn: FQDN, at revision: Revision)
    func change(_ location: RevisionChanges.LocationChange, at revision: Revision)

    /// Takes in every revision after `first` up to `last`, those too of which there's no change here. The last
    /// call: what was staged is gone.
    ///
    /// - Returns: false where one of them doesn't follow the table's own, which has those before it. What the
    ///   table already has is passed over.
    func apply(after first: Revision, through last: Revision) -> Bool
}

/// What the proxy is told.
public struct RouteTarget: Sendable, Hashable {
    public var location: LocationName
    public var mode: Mode
    /// What counts for a copy that has no lease; nil: the mode does.
    public var fence: Mode?
    /// Whether the mode is the fence's.
    public var isFenced = false
    /// The domain's own.
    public var revision: Revision
    /// `nil` can't happen while locations in use can't be deleted; a proxy then gets no upstream
    /// rather than a wrong one.
    public var upstream: UpstreamURL?

    public init(
        location: LocationName, mode: Mode, fence: Mode? = nil, revision: Revision,
        upstream: UpstreamURL?
    ) {
        self.location = location
        self.mode = mode
        self.fence = fence
        self.revision = revision
        self.upstream = upstream
    }
}

/// What all rows of a table come to.
public struct TableSummary: Sendable {
    public var digest: TableDigest
    /// Of domains.
    public var count: Int
    /// By name, those that are there and not only mentioned by domains.
    public var locations: [(name: LocationName, upstream: UpstreamURL)]

    public init(
        digest: TableDigest, count: Int,
        locations: [(name: LocationName, upstream: UpstreamURL)]
    ) {
        self.digest = digest
        self.count = count
        self.locations = locations
    }
}

public struct TableStatistics: Sendable, Hashable {
    public struct OfLocation: Sendable, Hashable {
        public var name: LocationName
        public var domains: Int
        /// Domains whose mode isn't `serve`.
        public var notServed: Int

        public init(name: LocationName, domains: Int, notServed: Int) {
            self.name = name
            self.domains = domains
            self.notServed = notServed
        }
    }

    public var total: Int
    /// By name, those without domains too.
    public var locations: [OfLocation]

    public init(total: Int, locations: [OfLocation]) {
        self.total = total
        self.locations = locations
    }
}
