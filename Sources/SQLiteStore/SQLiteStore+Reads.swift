import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    /// Runs `read` on a snapshot, on a reader connection of the lane.
    func reading<Value: Sendable>(
        _ lane: ReadLane, _ read: @escaping @Sendable (Database) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await lanes.run(lane) { () async throws(RegistryError) -> Value in
            do {
                return try await pool.read(read)
            } catch let error as RegistryError {
                throw error
            } catch {
                throw writer.refusal(forRead: error)
            }
        }
    }

    /// Walks to the end, each step on a snapshot of its own.
    ///
    /// - Parameter isPage: whether a client waits for one page.
    func walking<Walk: ReadWalk>(
        _ walk: Walk, isPage: Bool
    ) async throws(RegistryError) -> Walk where Walk.Source == Database {
        try await lanes.walk(walk, isPage: isPage) {
            lane, walk, budget async throws(RegistryError) in
            try await reading(lane) { db in
                var (walk, budget) = (walk, budget)
                try walk.advance(db, &budget)
                return walk
            }
        }
    }

    public func head() async throws(RegistryError) -> Head {
        try await reading(.quick, Head.read)
    }

    public func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed? {
        let now = writer.time
        return try await reading(.own) { db in
            try IdempotencyRecord.read(db, token: key.token, key: key.key)?.replay(of: key, at: now)
        }
    }

    public func revision(at time: Timestamp) async throws(RegistryError) -> Revision {
        try await reading(.quick) { db in
            let number = try Int64.fetchOne(
                db,
                sql:
                    "SELECT revision FROM revision_log WHERE at <= ? ORDER BY at DESC, revision DESC LIMIT 1",
                arguments: [time.milliseconds])
            return Revision(number ?? 0)
        }
    }

    public func standing(of fqdn: FQDN) async throws(RegistryError) -> Read<NameStanding> {
        let now = writer.time
        return try await reading(.own) { [suffixes] db in
            let transaction = SQLiteTransaction(db: db)
            let revision = try Head.read(db).revision
            guard try transaction.domain(fqdn) == nil else { return Read(.live, at: revision) }
            if let released = try transaction.released(fqdn), released.availableAt > now {
                return Read(.quarantined(until: released.availableAt), at: revision)
            }
            let nest = Entanglement(names: transaction, suffixes: suffixes, now: now)
            let other = try nest.other(than: fqdn, of: nil)
            return Read(other.map { .entangled(with: $0) } ?? .free, at: revision)
        }
    }

    public func defaultLocation() async throws(RegistryError) -> Location? {
        try await reading(.own) { db in
            try Row.fetchOne(
                try db.cachedStatement(sql: "SELECT * FROM location WHERE default_for_signups = 1")
            ).map(Location.init(row:))
        }
    }

    public func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>> {
        try await list(DomainWalk(query))
    }

    func list(_ walk: DomainWalk) async throws(RegistryError) -> Read<Page<Domain>> {
        try await walking(walk, isPage: walk.query.limit <= ReadLanes.pageSize).page
    }

    public func locations(
        after: LocationName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<Location>> {
        var filter = Filter()
        filter.add("name > ?", after?.text)
        return try await page(
            "SELECT * FROM location \(filter.clause) ORDER BY name", filter, limit: limit,
            Location.init(row:))
    }

    public func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        var filter = Filter()
        filter.add("id > ?", after)
        filter.add("revoked_at IS NULL")
        return try await page(
            "\(TokenRecord.selectLive) \(filter.clause) ORDER BY id", filter, limit: limit,
            TokenRecord.init(row:))
    }

    /// One row more than asked for tells whether there is a next page.
    func page<Item: Sendable>(
        _ sql: String, _ filter: Filter, limit: Int,
        _ item: @escaping @Sendable (Row) throws -> Item
    ) async throws(RegistryError) -> Read<Page<Item>> {
        try await page(sql, filter, limit: limit) { row, _ in try item(row) }
    }

    /// The same of items that take another look at the store.
    func page<Item: Sendable>(
        _ sql: String, _ filter: Filter, limit: Int,
        _ item: @escaping @Sendable (Row, Database) throws -> Item
    ) async throws(RegistryError) -> Read<Page<Item>> {
        try await reading(.quick) { db in
            let revision = try Head.read(db).revision
            var items = try Row.fetchAll(
                db, sql: "\(sql) LIMIT \(limit + 1)", arguments: filter.arguments
            ).map { try item($0, db) }
            let hasMore = items.count > limit
            if hasMore { items.removeLast() }
            return Read(Page(items: items, hasMore: hasMore), at: revision)
        }
    }
}

/// Conditions joined by "and". Texts are this module's own; values are always bound.
struct Filter: Sendable {
    private var conditions: [String] = []
    private(set) var arguments = StatementArguments()

    mutating func add(_ condition: String) {
        conditions.append(condition)
    }

    mutating func add(_ condition: String, _ value: (some DatabaseValueConvertible)?) {
        guard let value else { return }
        conditions.append(condition)
        arguments += [value]
    }

    /// All of another filter's conditions, or instead of them `alternative`, where there is one.
    mutating func add(_ other: Filter, orIf alternative: String?, _ value: Int64) {
        guard !other.conditions.isEmpty else { return }
        let joined = other.conditions.joined(separator: " AND ")
        conditions.append(alternative.map { "(\($0) OR (\(joined)))" } ?? joined)
        if alternative != nil { arguments += [value] }
        arguments += other.arguments
    }

    /// A value of what follows the conditions.
    mutating func bind(_ value: Int) {
        arguments += [value]
    }

    /// The values of another filter's conditions, which stand elsewhere.
    mutating func bind(_ other: Filter) {
        arguments += other.arguments
    }

    /// `?1s` in the condition stands for the value, each time.
    mutating func add(_ condition: String, twice value: String) {
        conditions.append(condition.replacing("?1s", with: "?"))
        arguments += [value, value]
    }

    /// Names that begin so.
    mutating func add(prefix: String?) {
        guard let prefix else { return }
        add("fqdn >= ?", prefix)
        // The octet after `z`, the highest that a name can hold.
        add("fqdn < ?", prefix + "{")
    }

    /// Names below this one, or itself.
    mutating func add(suffix: String?) {
        guard let suffix else { return }
        // Not LIKE: it reads `_` and `%` as wildcards, and a long pattern is an error to it.
        add("substr('.' || fqdn, -length(?1s)) = ?1s", twice: "." + suffix)
    }

    var clause: String {
        conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    }
}
