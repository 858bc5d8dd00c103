import RegistryModel

/// The one writer: builds each view of the table and publishes it. Never waits for a reader.
struct TableWriter {
    private let memory: TableMemory
    private let views: PublishedView
    private var contents: TableContents
    /// The view that readers find; nil until the table has been loaded.
    private var current: TableViewOwner?
    private var retired = Retired()
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
    mutating func apply(_ changes: RevisionChanges) -> Bool? {
        guard var position = current?.view.pointee.position else { return false }
        guard changes.revision > position.revision else { return nil }
        guard changes.revision == position.revision.next else { return false }
        // What somebody else sends may be any: a table that can't hold it stays as it is.
        guard changes.revision.number < RecordWords.revisionLimit,
            contents.locations.hasRoom(for: changes)
        else { return false }
        position.revision = changes.revision
        for change in changes.locations { contents.locations.apply(change) }
        publish(rows(of: changes), at: position)
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
        for row in rows.rows {
            let shard = row.shard.takeUnretainedValue()
            guard shard.isWasteful, !shard.isQueued else { continue }
            shard.isQueued = true
            wasteful.append(NameHash(row.record.name))
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
    private struct Target {
        var record: Record
        var shard: Unmanaged<Shard>
    }

    /// What the revision changes, ready to be published. New names get records that nobody finds
    /// present.
    private mutating func rows(of changes: RevisionChanges) -> RevisionRowsOwner? {
        guard !changes.domains.isEmpty else { return nil }
        let revision = RecordWords.clamp(changes.revision)
        let targets = targets(of: changes.domains)
        let rows = RevisionRowsOwner(memory, capacity: targets.count)
        for (change, target) in zip(changes.domains, targets) {
            guard let target else { continue }
            let shard = target.shard.takeUnretainedValue()
            let row = rows.row(for: target.record, in: shard)
            let former = row.pointee.after
            switch change {
            case .gone:
                row.pointee.after = former.gone(at: revision)
            case .set(let domain):
                row.pointee.after = RecordWords(
                    domain, location: contents.locations.number(of: domain.location),
                    tenant: contents.tenant(of: domain, in: shard, before: former.tenant),
                    revision: revision, nameLength: former.nameLength)
            }
            contents.locations.note(
                target.record.name, former, became: row.pointee.after, in: shard)
            shard.note(former, became: row.pointee.after)
        }
        return rows
    }

    /// The record of each change; nil where there is none and none is needed.
    ///
    /// A shard made anew on the way leaves earlier records behind: then once more, until none was.
    /// It keeps the records made on the way, and has more room than before; so that ends.
    private mutating func targets(of changes: [RevisionChanges.DomainChange]) -> [Target?] {
        while true {
            let renewals = contents.shards.renewals
            let targets = changes.map { target(of: $0) }
            if contents.shards.renewals == renewals { return targets }
        }
    }

    private mutating func target(of change: RevisionChanges.DomainChange) -> Target? {
        let found =
            switch change {
            case .set(let domain):
                domain.fqdn.withOctets { contents.findOrAdd($0, NameHash($0)) }
            case .gone(let fqdn):
                fqdn.withOctets { contents.find($0, NameHash($0)) }
            }
        return found.map { Target(record: $0.0, shard: .passUnretained($0.1)) }
    }
}
