import RegistryLedger
import RegistryModel

/// A store that is copied out of, by SQL.
package protocol SQLCopySource: CopySource {
    associatedtype Session: SQLSession

    /// Reads at the one moment that the copy is of.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws -> Value
}

extension SQLCopySource {
    package func head() async throws -> Head { try await read { try Head.read($0) } }

    package func rows(
        of table: StoreTable, after key: [StoredValue]?, limit: Int
    ) async throws -> [[StoredValue]] {
        var filter = SQLFilter()
        let keys = table.keys.joined(separator: ", ")
        if let key {
            let places = key.map { filter.bind($0.value) }.joined(separator: ", ")
            filter.add("(\(keys)) > (\(places))")
        }
        let clause = filter.clause
        let place = filter.bind(.number(limit))
        let values = filter.values
        return try await read { session in
            try session.rows(
                """
                SELECT \(table.names.joined(separator: ", ")) FROM \(table.name) \(clause)
                ORDER BY \(keys) LIMIT \(place)
                """, values
            ) { row in
                try table.columns.indices.map { column in
                    try StoredValue(row, column, table.columns[column].kind)
                }
            }
        }
    }
}

/// An empty store that is copied into, by SQL. How rows come in is the engine's: SQLite takes them one by one,
/// PostgreSQL column by column.
package protocol SQLCopyTarget: CopyTarget {
    associatedtype Session: SQLSession

    /// Writes in the one transaction of the copy.
    func write(_ body: @escaping @Sendable (Session) throws -> Void) async throws
}

extension SQLCopyTarget {
    package func begin(_ epoch: Epoch) async throws {
        try await write { try Head.begin(epoch, $0) }
    }

    package func advance(to revision: Revision, digest: [UInt8], at: Timestamp) async throws {
        try await write { session in
            try session.run(
                Head.advance,
                [.number(revision.number), .bytes(digest), .number(at.milliseconds)])
        }
    }

    package func clearLocations() async throws {
        try await write { try $0.run("DELETE FROM location", []) }
    }
}

extension StoredValue {
    fileprivate init(_ row: SQLRow, _ column: Int, _ kind: StoreTable.Kind) throws {
        guard !row.isNull(column) else {
            self = .absent
            return
        }
        self =
            switch kind {
            case .text: .text(try row.text(column))
            case .number: .number(try row.number(column))
            case .bytes: .bytes(try row.bytes(column))
            case .flag: .flag(try row.flag(column))
            }
    }

    package var value: SQLValue {
        switch self {
        case .absent: .text(nil)
        case .number(let number): .number(number)
        case .text(let text): .text(text)
        case .bytes(let bytes): .bytes(bytes)
        case .flag(let flag): .flag(flag)
        }
    }
}
