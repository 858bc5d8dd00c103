import RegistryModel

/// Where a copy reads: one moment of a store.
package protocol CopySource: Sendable {
    func head() async throws -> Head
    /// Tables that aren't the store's own: they stay where they are.
    func foreign() async throws -> [String]
    /// Rows by key, those after `key` (nil: from the first on).
    func rows(of table: StoreTable, after key: [StoredValue]?, limit: Int) async throws
        -> [[StoredValue]]
}

/// Where a copy writes: a store without anything in it, whose head is at revision 0 and time 0. Its own
/// rules hold: what breaks one isn't taken.
package protocol CopyTarget: Sendable {
    func insert(_ rows: [[StoredValue]], into table: StoreTable) async throws
    /// The head gets another epoch, at the same revision.
    func begin(_ epoch: Epoch) async throws
    /// The head moves on over revisions that were inserted.
    func advance(to revision: Revision, digest: [UInt8], at: Timestamp) async throws
    /// Whether the head has to move after each revision.
    var movesOneByOne: Bool { get }
    /// Takes away the locations that the schema comes with.
    func clearLocations() async throws
    /// Makes all of it last.
    func finish() async throws
}

/// Copies a store into another engine's: log, state, tokens, everything. Revisions, epochs and digests
/// stay what they are, so whoever followed the one can follow the other.
package struct CopyRun<Source: CopySource, Target: CopyTarget>: Sendable {
    private let source: Source
    private let target: Target
    private let progress: @Sendable (_ done: Revision, _ head: Revision) -> Void

    private static var rowsAtOnce: Int { 5_000 }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package init(
        from source: Source, to target: Target,
        progress: @escaping @Sendable (_ done: Revision, _ head: Revision) -> Void
    ) {
        self.source = source
        self.target = target
        self.progress = progress
    }

    /// - Returns: the head of both.
    package func run() async throws -> Head {
        let head = try await source.head()
        try await copyLog(to: head)
        try await target.clearLocations()
        for table in StoreTable.state {
            try await pages(of: table) { try await target.insert($0, into: table) }
        }
        // Restored at its end, and not written since.
        if head.revision == .zero { try await target.begin(head.epoch) }
        try await target.finish()
        return head
    }

    private func pages(
        of table: StoreTable, _ body: ([[StoredValue]]) async throws -> Void
    ) async throws {
        var key: [StoredValue]?
        while true {
            let rows = try await source.rows(of: table, after: key, limit: Self.rowsAtOnce)
            if !rows.isEmpty { try await body(rows) }
            guard rows.count == Self.rowsAtOnce, let last = rows.last else { return }
            key = Array(last.prefix(table.keyLength))
        }
    }

    private func copyLog(to head: Head) async throws {
        var epoch: String?
        var changes = ChangePages(source: source, limit: Self.rowsAtOnce)
        var done = Revision.zero
        try await pages(of: .headers) { headers in
            var rest = headers[...]
            while let first = rest.first {
                if let next = first[1].text, next != epoch {
                    try await target.begin(Epoch(next))
                    epoch = next
                }
                // Revisions that share an epoch move the head together, where the target lets them.
                let group =
                    target.movesOneByOne ? rest.prefix(1) : rest.prefix { $0[1] == first[1] }
                rest = rest.dropFirst(group.count)
                guard let last = group.last, let number = last[0].number,
                    let at = last[2].number, let digest = last[3].bytes
                else { throw Failure(description: "a revision without a number") }
                try await changes.forEach(through: number) {
                    try await target.insert($0, into: .changes)
                }
                try await target.insert(Array(group), into: .headers)
                try await target.advance(
                    to: Revision(number), digest: digest, at: Timestamp(milliseconds: at))
                done = Revision(number)
            }
            progress(done, head.revision)
        }
        guard done == head.revision else {
            throw Failure(
                description: "the log ends at revision \(done), and its head is \(head.revision)")
        }
        if let epoch, epoch != head.epoch.text { try await target.begin(head.epoch) }
    }
}

/// The log's changes, read ahead in pages and handed out up to a revision.
private struct ChangePages<Source: CopySource> {
    let source: Source
    let limit: Int
    private var page: ArraySlice<[StoredValue]> = []
    private var key: [StoredValue]?
    private var isAtEnd = false

    init(source: Source, limit: Int) {
        self.source = source
        self.limit = limit
    }

    mutating func forEach(
        through revision: Int64, _ body: ([[StoredValue]]) async throws -> Void
    ) async throws {
        while true {
            if page.isEmpty, !isAtEnd {
                let rows = try await source.rows(of: .changes, after: key, limit: limit)
                isAtEnd = rows.count < limit
                key = rows.last.map { Array($0.prefix(2)) } ?? key
                page = rows[...]
            }
            let part = page.prefix { ($0[0].number ?? .max) <= revision }
            guard !part.isEmpty else { return }
            try await body(Array(part))
            page = page.dropFirst(part.count)
        }
    }
}
