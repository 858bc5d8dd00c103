import RegistryModel
import Synchronization

/// The table at one revision, as a reader sees it from beginning to end.
///
/// Unsafe because of the pointers. What holds it together:
/// - Everything here and behind `shards`, `changes` and `locations` is complete before the view is
///   published, and stays until each reader that can have found it has left. See `ReaderGate`.
/// - Records change in place, and only by revisions that have been published. The writer first
///   publishes a view with the revision's `changes`, then writes them into the records, then says
///   `isWritten`, and only then begins another revision. So a record is at most at the newest
///   published revision; where it lacks this view's own, `changes` has it; and where it's ahead of
///   this view, a later view, found through `next`, has the words from before.
/// - A shard that is made anew is another shard, in later views only. The old one stays as it is.
struct TableView: ~Copyable {
    let position: Position
    /// `position`'s, as records have it.
    let revision: UInt64
    let shards: UnsafeMutablePointer<UnsafeMutablePointer<ShardIndex>>
    let depth: Int
    /// What has them, for those who keep them longer than the view.
    let directory: Unmanaged<ShardDirectory>
    /// Nil where the revision changes no domain. Given back some time after `isWritten`: only who
    /// has read false there, or comes from an earlier view, may follow it.
    let changes: UnsafeMutablePointer<RevisionRows>?
    let isWritten: Atomic<Bool>
    let next = Atomic<UnsafeMutablePointer<TableView>?>(nil)
    let locations: UnsafeMutablePointer<LocationEntry>
    let locationOrder: UnsafeMutableBufferPointer<UInt16>
    let counts: UnsafeMutablePointer<LocationBook.Count>
    let total: Int
    let digest: TableDigest

    /// What this view knows of a name; nil where it isn't there.
    func find(_ name: UnsafeRawBufferPointer) -> (words: RecordWords, shard: ShardPointer)? {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        guard let (record, shard) = record(name) else { return nil }
        let words = words(of: record, isWritten: isWritten)
        return words.isPresent ? (words, shard) : nil
    }

    func record(_ name: UnsafeRawBufferPointer) -> (Record, ShardPointer)? {
        let hash = NameHash(name)
        let shard = shards[hash.prefix(depth)]
        return shard.pointee.find(name, hash).map { ($0, shard) }
    }

    typealias ShardPointer = UnsafeMutablePointer<ShardIndex>

    /// - Parameter isWritten: as it was before this call. Read after the record, it could be true
    ///   for a record that was read before it was written.
    func words(of record: Record, isWritten: Bool) -> RecordWords {
        while true {
            let now = record.read()
            if let now, now.revision == revision { return now }
            if !isWritten, let changes, let row = changes.pointee.find(record) {
                return changes.pointee.after(row)
            }
            if let now, now.revision < revision { return now }
            if let before = wordsFromLaterViews(of: record) { return before }
            // No later revision has touched it: these are its words, whatever number they carry.
            if let now { return now }
        }
    }

    /// What the record held before the first revision after this view's that changed it.
    private func wordsFromLaterViews(of record: Record) -> RecordWords? {
        var view = next.load(ordering: .acquiring)
        while let later = view {
            if let changes = later.pointee.changes, let row = changes.pointee.find(record) {
                return changes.pointee.before[row]
            }
            view = later.pointee.next.load(ordering: .acquiring)
        }
        return nil
    }
}

extension TableView {
    func domain(_ fqdn: FQDN) -> Domain? {
        fqdn.withBytes { entry($0)?.domain.domain(fqdn) }
    }

    /// Good as long as the view is.
    func entry(_ name: UnsafeRawBufferPointer) -> TableEntry? {
        find(name).map { entry($0.words, $0.shard) }
    }

    func entry(_ words: RecordWords, _ shard: ShardPointer) -> TableEntry {
        let location = locations + words.location
        return TableEntry(
            words.view(at: location.pointee.name, in: shard.pointee),
            upstream: location.pointee.upstream)
    }

    func summary() -> TableSummary {
        TableSummary(
            digest: digest, count: total,
            locations: locationOrder.compactMap { number in
                let location = locations + Int(number)
                return location.pointee.upstream.map { (location.pointee.name, $0) }
            })
    }

    func statistics() -> TableStatistics {
        TableStatistics(
            total: total,
            locations: locationOrder.map { number in
                let count = counts[Int(number)]
                return .init(
                    name: locations[Int(number)].name, domains: count.domains,
                    notServed: count.notServed)
            })
    }
}

/// A view's memory, and what it keeps alive. The writer's.
final class TableViewOwner {
    let view: UnsafeMutablePointer<TableView>

    private let memory: TableMemory
    private let directory: ShardDirectory
    private let locations: LocationList
    private let countCount: Int
    private var changes: RevisionRowsOwner?

    init(
        _ memory: TableMemory, at position: Position, directory: ShardDirectory,
        locations: LocationList, counts: [LocationBook.Count], digest: TableDigest,
        changes: RevisionRowsOwner? = nil
    ) {
        self.memory = memory
        self.directory = directory
        self.locations = locations
        self.changes = changes
        countCount = counts.count
        let copy = memory.allocate(LocationBook.Count.self, count: countCount)
        for number in counts.indices { (copy + number).initialize(to: counts[number]) }
        view = memory.allocate(TableView.self, count: 1)
        view.initialize(
            to: TableView(
                position: position, revision: UInt64(clamping: position.revision.number),
                shards: directory.indexes, depth: directory.depth,
                directory: Unmanaged.passUnretained(directory), changes: changes?.face,
                isWritten: Atomic(changes == nil), locations: locations.entries,
                locationOrder: .init(start: locations.order, count: locations.orderCount),
                counts: copy, total: counts.reduce(0) { $0 + $1.domains }, digest: digest))
    }

    deinit {
        memory.free(view.pointee.counts, count: countCount)
        view.deinitialize(count: 1)
        memory.free(view, count: 1)
    }

    /// Writes the view's changes into the records.
    /// - Returns: what isn't needed any more, as soon as the readers of now have left.
    func write() -> RevisionRowsOwner? {
        guard let changes else { return nil }
        for row in 0..<changes.count { changes.record(row).write(changes.after(row)) }
        view.pointee.isWritten.store(true, ordering: .sequentiallyConsistent)
        self.changes = nil
        return changes
    }
}

extension TableView {
    /// Every name that is there, at this view's revision, in no order.
    func forEachEntry(_ body: (UnsafeRawBufferPointer, TableEntry) -> Void) {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        forEachRecord(isWritten) { record, words, shard in body(record.name, entry(words, shard)) }
    }

    private func forEachRecord(
        _ isWritten: Bool, _ body: (Record, RecordWords, ShardPointer) -> Void
    ) {
        directory.takeUnretainedValue().forEachShard { _, _, shard in
            shard.pointee.forEachRecord { record in
                let words = words(of: record, isWritten: isWritten)
                if words.isPresent { body(record, words, shard) }
            }
        }
    }
}

extension TableView {
    /// Every name that is there, at this view's revision, by name, packed.
    ///
    /// Eight bytes a name beside what is returned, until it's returned.
    func packed() -> PackedTable {
        let isWritten = isWritten.load(ordering: .sequentiallyConsistent)
        let memory = TableMemory()
        let records = memory.allocate(Record.self, count: max(1, total))
        defer { memory.free(records, count: max(1, total)) }
        var count = 0
        forEachRecord(isWritten) { record, _, _ in
            (records + count).initialize(to: record)
            count += 1
        }
        var sorted = UnsafeMutableBufferPointer(start: records, count: count)
        sorted.sort { $0.precedes($1) }
        var rows = PackedRows(memory)
        for record in sorted {
            let shard = shards[NameHash(record.name).prefix(depth)]
            let words = words(of: record, isWritten: isWritten)
            rows.append(
                record.name, entry(words, shard).domain, at: Revision(Int64(words.revision)))
        }
        return PackedTable(position: position, summary: summary(), rows: rows)
    }
}

extension ShardIndex {
    /// Each record that is in the index now, and perhaps some that come meanwhile.
    func forEachRecord(_ body: (Record) -> Void) {
        for position in 0..<slotCount {
            if let record = record(inSlot: position) { body(record) }
        }
    }
}
