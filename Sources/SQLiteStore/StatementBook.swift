import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// The statements of nearly every write, each looked up once a transaction: a group of commits runs
/// them hundreds of times.
final class StatementBook {
    private let db: Database
    private var prepared: [RawStatement?]

    init(_ db: Database) {
        self.db = db
        prepared = Array(repeating: nil, count: Name.allCases.count)
    }

    subscript(_ name: Name) -> RawStatement {
        get throws {
            if let statement = prepared[name.rawValue] { return statement }
            let statement = try RawStatement(
                db.cachedStatement(sql: Name.texts[name.rawValue]), in: db)
            prepared[name.rawValue] = statement
            return statement
        }
    }

    enum Name: Int, CaseIterable {
        case savepoint, release, undo
        case head, advanceHead, appendHeader, appendChange
        case domain, insertDomain, updateDomain, deleteDomain, insertName, firstName
        case released, insertReleased, deleteReleased
        case held, insertHeld, deleteHeld
        case location, defaultLocation, freeze, putIdempotency
        case tenantPlaces, frozenWaves, countOneMore, countOneLess, clearEmptyPlaces
    }
}

extension StatementBook.Name {
    /// Put together once: each transaction looks its statements up by them, while others wait for it.
    fileprivate static let texts = allCases.map(\.sql)

    // Those that are `StoreCore`'s own bind `$1`, `$2` and so on, which stand there in this order.
    private var sql: String {
        switch self {
        case .savepoint: "SAVEPOINT command"
        case .release: "RELEASE command"
        case .undo: "ROLLBACK TO command"
        case .head: Head.select
        case .advanceHead: Head.advance
        case .appendHeader:
            Self.insertion("revision_log", RevisionHeader.tableColumns)
        case .appendChange:
            Self.insertion("change_log", ChangeRow.tableColumns)
        case .domain: Domain.byName
        case .insertDomain: Self.insertion("domain", Domain.columnNames)
        case .updateDomain:
            """
            UPDATE domain SET \(Domain.changingNames.map { "\($0) = ?" }.listed) WHERE fqdn = ?
            """
        case .deleteDomain: "DELETE FROM domain WHERE fqdn = ?"
        case .insertName:
            "INSERT INTO name_tree (key, fqdn) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
        case .firstName: NameReads<Database>.firstName
        case .released: ReleasedDomain.byName
        case .insertReleased:
            Self.insertion("released_domain", ReleasedDomain.columnNames)
        case .deleteReleased: "DELETE FROM released_domain WHERE fqdn = ?"
        case .held: HeldDomain.byName
        case .insertHeld: Self.insertion("held_domain", HeldDomain.columnNames)
        case .deleteHeld: "DELETE FROM held_domain WHERE fqdn = ?"
        case .location: Location.byName
        case .defaultLocation: Location.selectDefault(.sqlite)
        case .freeze: DomainFreeze.select("= ?")
        case .putIdempotency: IdempotencyRecord.insertion
        case .tenantPlaces: Tenant.placesByName
        case .frozenWaves: FrozenTenant.byName(.sqlite)
        case .countOneMore: Tenant.countOneMore
        case .countOneLess: Tenant.countOneLess
        case .clearEmptyPlaces: Tenant.clearEmptyPlaces(.sqlite)
        }
    }

    /// Values come in the order of the columns.
    private static func insertion(_ table: String, _ columns: [String]) -> String {
        "INSERT INTO \(table) (\(columns.listed)) VALUES (\(columns.places))"
    }
}
