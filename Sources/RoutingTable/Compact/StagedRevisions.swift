import RegistryModel
import Synchronization

/// Revisions being read in, packed. A wave of a million takes some 25 MiB here, as values some 400.
///
/// Unchecked: whoever has it, has the lock of its stage.
final class StagedRevisions: @unchecked Sendable {
    private var rows: PackedRows
    /// Stands at the first change that isn't taken yet.
    private let reader = PackedRowsReader()
    private var places: [(revision: Revision, change: RevisionChanges.LocationChange)] = []
    /// Changes of domains by revision, as they came.
    private var counts: [(revision: Revision, count: Int)] = []

    init(_ memory: TableMemory) {
        rows = PackedRows(memory)
    }

    func set(_ domain: Domain) {
        domain.withView { rows.append($0, $1, at: $1.revision) }
        note(domain.revision)
    }

    func remove(_ fqdn: FQDN, at revision: Revision) {
        fqdn.withBytes { rows.append($0, nil, at: revision) }
        note(revision)
    }

    func change(_ change: RevisionChanges.LocationChange, at revision: Revision) {
        places.append((revision, change))
    }

    private func note(_ revision: Revision) {
        if counts.last?.revision == revision {
            counts[counts.count - 1].count += 1
        } else {
            counts.append((revision, 1))
        }
    }

    /// The next revision's changes. Earlier ones are passed over, and can't be had any more.
    func take(_ revision: Revision) -> StagedRevision {
        let later = places.firstIndex { $0.revision > revision } ?? places.count
        let locations = places[..<later].filter { $0.revision == revision }.map(\.change)
        places.removeFirst(later)
        while let next = reader.nextRevision(in: rows), next < revision {
            _ = reader.next(in: rows)
            rows.release(before: reader)
        }
        let passed = counts.firstIndex { $0.revision >= revision } ?? counts.count
        counts.removeFirst(passed)
        let count = counts.first?.revision == revision ? counts[0].count : 0
        return StagedRevision(revision: revision, locations: locations, count: count)
    }

    fileprivate func forEach(
        _ revision: StagedRevision, _ body: (UnsafeRawBufferPointer, DomainView?) -> Void
    ) {
        let reader = reader.copy()
        for _ in 0..<revision.count { show(reader, body) }
    }

    fileprivate func consume(
        _ revision: StagedRevision, _ body: (UnsafeRawBufferPointer, DomainView?) -> Void
    ) {
        for _ in 0..<revision.count {
            show(reader, body)
            rows.release(before: reader)
        }
    }

    private func show(
        _ reader: PackedRowsReader, _ body: (UnsafeRawBufferPointer, DomainView?) -> Void
    ) {
        guard let row = reader.next(in: rows) else { return }
        body(row.name, row.domain)
    }
}

struct StagedRevision {
    var revision: Revision
    var locations: [RevisionChanges.LocationChange]
    /// Changes of domains.
    var count: Int
}

/// One staged revision on its way to the writer.
struct StagedSource: RevisionSource {
    let staged: StagedRevision
    /// What it's one of.
    let revisions: StagedRevisions

    var revision: Revision { staged.revision }
    var locations: [RevisionChanges.LocationChange] { staged.locations }
    var count: Int { staged.count }

    func forEach(_ body: (UnsafeRawBufferPointer, DomainView?) -> Void) {
        revisions.forEach(staged, body)
    }

    mutating func consume(_ body: (UnsafeRawBufferPointer, DomainView?) -> Void) {
        revisions.consume(staged, body)
    }
}

/// The stage of a compact table.
final class CompactTableStage: TableStage {
    private let table: CompactRoutingTable
    private let staged: Mutex<StagedRevisions>

    init(_ table: CompactRoutingTable) {
        self.table = table
        staged = Mutex(StagedRevisions(table.memory))
    }

    func set(_ domain: Domain) {
        staged.withLock { $0.set(domain) }
    }

    func remove(_ fqdn: FQDN, at revision: Revision) {
        staged.withLock { $0.remove(fqdn, at: revision) }
    }

    func change(_ location: RevisionChanges.LocationChange, at revision: Revision) {
        staged.withLock { $0.change(location, at: revision) }
    }

    func apply(after first: Revision, through last: Revision) -> Bool {
        staged.withLock { staged in
            var next = first
            while next < last {
                next = next.next
                var source = StagedSource(
                    staged: staged.take(next), revisions: staged)
                guard table.apply(&source) else { return false }
            }
            return true
        }
    }
}
