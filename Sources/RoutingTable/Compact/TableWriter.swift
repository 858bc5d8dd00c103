import RegistryModel
import Synchronization

/// The one writer: builds each view of the table and publishes it. Never waits for a reader.
struct TableWriter {
    private let memory: TableMemory
    private let views: PublishedView
    private var contents: TableContents
    /// The view that readers find; nil until the table has been loaded.
    private var current: TableViewOwner?
    private var retired = RetiredObjects()
    /// Names in shards that should be made anew.
    private var wasteful: [NameHash] = []

    init(_ memory: TableMemory, _ views: PublishedView) {
        self.memory = memory
        self.views = views
        contents = TableContents(memory)
    }

    var retiredCount: Int { retired.count }

    mutating func load(_ new: consuming TableContents, at position: Position) {
        contents = new
        wasteful = []
        publish(nil, at: position, isLater: false)
        retired.release(views.gate)
    }

    /// - Returns: false for a revision that doesn't follow; nil for one that is there already.
    mutating func apply(_ changes: inout some RevisionSource) -> Bool? {
        guard var position = current?.view.pointee.position else { return false }
        guard changes.revision > position.revision else { return nil }
        guard changes.revision == position.revision.next else { return false }
        // What somebody else sends may be any: a table that can't hold it stays as it is.
        guard changes.revision.number < RecordWords.revisionLimit,
            contents.locations.hasRoom(for: changes)
        else { return false }
        position.revision = changes.revision
        for change in changes.locations { contents.locations.apply(change) }
        publish(rows(of: &changes), at: position)
        finish(position)
        retired.release(views.gate)
        return true
    }

    private mutating func publish(
        _ rows: RevisionRowsOwner?, at position: Position, isLater: Bool = true
    ) {
        let new = TableViewOwner(
            memory, at: position, directory: contents.shards.published(),
            locations: contents.locations.published(memory), counts: contents.locations.counts,
            digest: contents.locations.digest,
            changes: rows)
        if isLater { current?.view.pointee.next.store(new.view, ordering: .releasing) }
        views.publish(new.view)
        if let current { retired.add(current) }
        current = new
    }

    /// After a revision has been published: writes it into the records, and clears up.
    private mutating func finish(_ position: Position) {
        var count = 1
        if let rows = current?.write() {
            count += rows.count / 1024
            noteWaste(rows)
            retired.add(rows)
        }
        contents.locations.tidy()
        if renewWasteful(atMost: count) { publish(nil, at: position) }
    }

    private mutating func noteWaste(_ rows: RevisionRowsOwner) {
        for row in 0..<rows.count {
            let hash = NameHash(rows.record(row).name)
            let shard = contents.shards.shard(of: hash)
            guard shard.isWasteful, !shard.isQueued else { continue }
            shard.isQueued = true
            wasteful.append(hash)
        }
    }

    /// Few at a time: a small revision must not wait for the traces of a large one to be cleared.
    private mutating func renewWasteful(atMost count: Int) -> Bool {
        var isChanged = false
        for hash in wasteful.suffix(count) {
            let shard = contents.shards.shard(of: hash)
            shard.isQueued = false
            guard shard.isWasteful else { continue }
            contents.shards.renew(hash)
            isChanged = true
        }
        wasteful.removeLast(min(count, wasteful.count))
        return isChanged
    }
}

extension TableWriter {
    /// What the revision changes, ready to be published. New names get records that nobody finds
    /// present.
    private mutating func rows(of changes: inout some RevisionSource) -> RevisionRowsOwner? {
        guard changes.count > 0 else { return nil }
        // All records first. A shard made anew on the way leaves behind those of names that were gone, found
        // or not: then once more, until none was. It keeps those that were just made, and has more room than
        // before; so that ends.
        var renewals: Int
        repeat {
            renewals = contents.shards.renewals
            changes.forEach { name, entry in
                if entry != nil { _ = contents.findOrAdd(name, NameHash(name)) }
            }
        } while contents.shards.renewals != renewals
        let revision = RecordWords.clamp(changes.revision)
        let rows = RevisionRowsOwner(memory, capacity: changes.count)
        changes.consume { name, entry in
            guard let (record, shard) = contents.find(name, NameHash(name)) else { return }
            let row = rows.row(for: record)
            let former = rows.after(row)
            let after =
                entry.map { contents.words(of: $0, in: shard, before: former) }
                ?? former.gone(at: revision)
            rows.set(after, for: row)
            contents.locations.note(name, former, became: after, in: shard)
            shard.note(former, became: after)
        }
        return rows
    }
}

/// The view that readers find, and the gate that they come through.
final class PublishedView: @unchecked Sendable {
    let gate = ReaderGate()
    private let current = Atomic<UnsafeMutablePointer<TableView>?>(nil)

    /// - Throws: `notReady` until a view has been published.
    func read<Value>(
        _ body: (borrowing TableView) -> Value
    ) throws(RegistryError) -> Value {
        let counter = gate.enter()
        defer { gate.leave(counter) }
        guard let view = current.load(ordering: .sequentiallyConsistent) else { throw .notReady }
        return body(view.pointee)
    }

    /// The writer's.
    func publish(_ view: UnsafeMutablePointer<TableView>) {
        current.store(view, ordering: .sequentiallyConsistent)
    }
}
