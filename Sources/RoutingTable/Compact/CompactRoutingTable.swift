import AsyncWaiting
import RegistryModel
import Synchronization

/// The table in some 56 bytes a name of 24, read without a lock.
///
/// Readers take a view of the table and find everything in it, a single name or thousands, at that
/// view's revision, whatever the writer does meanwhile; they never wait. The writer doesn't wait
/// for them either: what they may still hold is given back with a later revision.
public final class CompactRoutingTable: RoutingTable {
    let memory = TableMemory()
    let views = PublishedView()
    private let writer: Mutex<TableWriter>
    private let waiters = Waiters<Revision>()

    public init() {
        writer = Mutex(TableWriter(memory, views))
    }

    /// What the table has allocated, in bytes: everything but a little for each thousand names.
    package var bytes: Int { memory.bytes }

    /// How many things wait to be given back, for readers to leave.
    var retiredCount: Int { writer.withLock(\.retiredCount) }

    public var position: Position? { try? views.read { $0.position } }

    public func find(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain?> {
        try views.read { Read($0.domain(fqdn), at: $0.position) }
    }

    public func find(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]> {
        try views.read { view in
            var domains: [Domain?] = []
            domains.reserveCapacity(fqdns.count)
            for fqdn in fqdns { domains.append(view.domain(fqdn)) }
            return Read(domains, at: view.position)
        }
    }

    public func withEntry(
        _ name: UnsafeRawBufferPointer, _ body: (TableEntry?, _ position: Position) -> Void
    ) throws(RegistryError) {
        try views.read { view in body(view.entry(name), view.position) }
    }

    public func forEachEntry(
        _ begin: (Position, TableSummary) -> Void,
        _ body: (_ name: UnsafeRawBufferPointer, TableEntry) -> Void
    ) throws(RegistryError) {
        try views.read { view in
            begin(view.position, view.summary())
            view.forEachEntry(body)
        }
    }

    public func digest() throws(RegistryError) -> Read<(TableDigest, count: Int)> {
        try views.read { Read(($0.digest, $0.total), at: $0.position) }
    }

    public func summary() throws(RegistryError) -> Read<TableSummary> {
        try views.read { Read($0.summary(), at: $0.position) }
    }

    public func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try views.read { Read($0.statistics(), at: $0.position) }
    }

    public func load(_ domains: [Domain], locations: [Location], at position: Position) {
        let load = CompactTableLoad(self, expecting: domains.count)
        load.add(locations)
        load.add(domains)
        _ = load.finish(at: position)
    }

    public func beginLoad() -> any TableLoad { CompactTableLoad(self) }

    public func apply(_ changes: RevisionChanges) -> Bool {
        var changes = changes
        return apply(&changes)
    }

    public func beginStage() -> any TableStage { CompactTableStage(self) }

    func apply(_ changes: inout some RevisionSource) -> Bool {
        let revision = changes.revision
        let applied = writer.withLock { $0.apply(&changes) }
        if applied == true { waiters.wake { $0 <= revision } }
        return applied ?? true
    }

    public func packed() throws(RegistryError) -> PackedTable {
        try views.read { $0.packed() }
    }

    public func checklist(
        of location: LocationName
    ) throws(RegistryError) -> LocationChecklist? {
        try views.read { $0.checklist(of: location) }
    }

    public func reaches(_ revision: Revision, within limit: Duration) async -> Bool {
        await waiters.wait(for: revision, within: limit) {
            position.map { $0.revision >= revision } ?? false
        } == .woken
    }

    fileprivate func publish(_ contents: UncheckedContents, at position: Position) {
        writer.withLock { $0.load(contents.value, at: position) }
        waiters.wake { $0 <= position.revision }
    }
}

/// Contents on their way from the load that filled them to the writer: nobody else has them.
private struct UncheckedContents: @unchecked Sendable {
    var value: TableContents
}

/// A table being read in. Nobody sees any of it before it's finished.
final class CompactTableLoad: TableLoad {
    private let table: CompactRoutingTable
    private let contents: Mutex<UncheckedContents>

    init(_ table: CompactRoutingTable, expecting names: Int = 0) {
        self.table = table
        contents = Mutex(UncheckedContents(value: TableContents(table.memory, expecting: names)))
    }

    func add(_ locations: [Location]) {
        contents.withLock { contents in
            for location in locations { contents.value.load(location) }
        }
    }

    func add(_ domains: [Domain]) {
        contents.withLock { contents in
            for domain in domains { contents.value.load(domain) }
        }
    }

    func finish(at position: Position) -> Bool {
        let full = contents.withLock { contents in
            let full = contents
            contents = UncheckedContents(value: TableContents(table.memory))
            return full
        }
        guard !full.value.isOverfull, position.revision.number < RecordWords.revisionLimit else {
            return false
        }
        table.publish(full, at: position)
        return true
    }
}
