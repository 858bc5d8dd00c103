import RegistryLedger
import RegistryModel

extension PostgresStore {
    /// Runs `read` on one snapshot of the database, on a reader's thread of the lane. Again on a new
    /// connection where the first one was gone.
    ///
    /// - Parameter isRepeatable: whether `read` may run twice.
    func reading<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool = true,
        _ read: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await asking(lane, isRepeatable: isRepeatable) { connection in
            try connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            do {
                let value = try read(connection)
                try connection.query("COMMIT")
                return value
            } catch {
                if connection.isAlive { try connection.query("ROLLBACK") }
                throw error
            }
        }
    }

    /// Walks to the end, each step on a snapshot of its own.
    ///
    /// - Parameter isPage: whether a client waits for one page.
    func walking<Walk: ReadWalk>(
        _ walk: Walk, isPage: Bool
    ) async throws(RegistryError) -> Walk where Walk.Source == PostgresConnection {
        try await lanes.walk(walk, isPage: isPage) {
            lane, walk, budget async throws(RegistryError) in
            try await reading(lane) { connection in
                var (walk, budget) = (walk, budget)
                try walk.advance(connection, &budget)
                return walk
            }
        }
    }

    /// Runs `ask` on a reader's thread of the lane, without a transaction of its own.
    func asking<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool = true,
        _ ask: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await lanes.run(lane) { () async throws(RegistryError) -> Value in
            try await asking(isRepeatable: isRepeatable, ask)
        }
    }

    private func asking<Value: Sendable>(
        isRepeatable: Bool, _ ask: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        let result = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<Value, any Error>, Never>) in
            let isTaken = readers.submit { slot in
                let first = Result { try ask(slot.connection()) }
                if isRepeatable, case .failure(let failure as PostgresFailure) = first,
                    failure.mayDoElsewhere
                {
                    slot.drop()
                    return answer.resume(returning: Result { try ask(slot.connection()) })
                }
                answer.resume(returning: first)
            }
            if !isTaken { answer.resume(returning: .failure(RegistryError.storeFailed)) }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw refusal(forRead: error)
        }
    }

    func refusal(forRead error: any Error) -> RegistryError {
        if let refusal = error as? RegistryError { return refusal }
        if error is CancellationError { return .overloaded }
        guard let failure = error as? PostgresFailure else {
            logger.error("a read failed", metadata: ["error": "\(error)"])
            return .inconsistent
        }
        switch failure.kind {
        case .connection:
            logger.debug("a read got no answer", metadata: ["error": "\(failure)"])
            return .storeUnavailable
        case .shared:
            onShared(failure)
            return .storeUnavailable
        case .limit(let setting):
            logger.error(
                "the database's settings don't allow a read",
                metadata: ["setting": "\(setting)", "error": "\(failure)"])
            return .storeLimit(setting)
        case .conflict, .busy, .diskFull: return .overloaded
        case .constraint, .other:
            logger.error("a read was refused", metadata: ["error": "\(failure)"])
            return .inconsistent
        }
    }

    public func head() async throws(RegistryError) -> Head {
        try await asking(.quick, Head.read)
    }

    public func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed? {
        try await asking(.own) { [clock] connection in
            try IdempotencyRecord.read(key, connection)?
                .replay(of: key, at: try clock.read(connection))
        }
    }

    public func revision(at time: Timestamp) async throws(RegistryError) -> Revision {
        try await asking(.quick) { connection in
            try connection.query(
                """
                SELECT revision FROM revision_log WHERE at <= $1
                ORDER BY at DESC, revision DESC LIMIT 1
                """, [.number(time.milliseconds)]
            ).first?.revision(0) ?? .zero
        }
    }

    public func standing(of fqdn: FQDN) async throws(RegistryError) -> Read<NameStanding> {
        try await reading(.own) { [clock, suffixes] connection in
            let revision = try Head.read(connection).revision
            let isLive = try connection.query(
                "SELECT EXISTS (SELECT FROM domain WHERE fqdn = $1)", [.text(fqdn.text)]
            ).first?.flag(0)
            guard isLive != true else { return Read(.live, at: revision) }
            let until = try connection.query(
                "SELECT available_at FROM released_domain WHERE fqdn = $1", [.text(fqdn.text)]
            ).first?.time(0)
            let now = try clock.read(connection)
            guard let until, until > now else {
                let nest = Entanglement(
                    names: NameReads(connection: connection), suffixes: suffixes, now: now)
                let other = try nest.other(than: fqdn, of: nil)
                return Read(other.map { .entangled(with: $0) } ?? .free, at: revision)
            }
            return Read(.quarantined(until: until), at: revision)
        }
    }

    public func defaultLocation() async throws(RegistryError) -> Location? {
        try await asking(.own) { connection in
            try connection.query(
                "SELECT \(Location.columns) FROM location WHERE default_for_signups"
            ).first.map(Location.init(row:))
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
            "SELECT \(Location.columns) FROM location \(filter.clause) ORDER BY name", filter,
            limit: limit
        ) { row, _ in Location(row: row) }
    }

    public func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        var filter = Filter()
        filter.add("t.id > ?", after)
        filter.add("t.revoked_at IS NULL")
        return try await page(
            "\(TokenRecord.select) \(filter.clause) ORDER BY t.id", filter, limit: limit
        ) { row, _ in TokenRecord(row: row) }
    }

    static func oneMore(than limit: Int) -> Int64 { limit == .max ? .max : Int64(limit) + 1 }

    /// One row more than asked for tells whether there is a next page.
    func page<Item: Sendable>(
        _ sql: String, _ filter: Filter, limit: Int,
        _ item: @escaping @Sendable (ResultRow, PostgresConnection) throws -> Item
    ) async throws(RegistryError) -> Read<Page<Item>> {
        var filter = filter
        let place = filter.bind(.number(Self.oneMore(than: limit)))
        let parameters = filter.parameters
        return try await reading(.quick) { connection in
            let revision = try Head.read(connection).revision
            var items = try connection.query("\(sql) LIMIT \(place)", parameters).map {
                try item($0, connection)
            }
            let hasMore = items.count > limit
            if hasMore { items.removeLast() }
            return Read(Page(items: items, hasMore: hasMore), at: revision)
        }
    }
}
