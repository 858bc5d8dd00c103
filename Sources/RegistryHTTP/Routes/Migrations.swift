import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/migrations`, but for its waves.
struct MigrationRoutes: Sendable {
    @Sendable func plan(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let isDryRun = query.value("dry_run", "true or false") { Bool($0) } ?? false
        let listing = try PlanListing(&query, ofDryRun: isDryRun)
        if let replay = call.replay { return .planned(replay) }
        var body = try PlanBody(call.object())
        body.plan.isDryRun = isDryRun
        body.plan.listing = listing?.query
        let committed = try await call.service.planMigration(body.plan, call.writing(body.note))
        guard isDryRun else { return .planned(committed) }
        return try .preview(committed, listing)
    }

    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        var filter = MigrationQuery()
        filter.state = query.choice("state", MigrationState.self)
        (filter.limit, filter.after) = try query.page(Cursor.id)
        let read = try await call.service.migrations(filter)
        return call.list(read, key: \.id)
    }

    @Sendable func get(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let read = try await call.service.migration(call.parameter("id"))
        return .json(read.value, at: read.revision)
    }

    @Sendable func domains(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        var filter = MigrationDomainQuery(migration: call.parameter("id"))
        filter.wave = query.wave()
        filter.status = query.choice("status", MigrationDomain.Status.self)
        (filter.limit, filter.after) = try query.page(Cursor.position)
        let read = try await call.service.domains(of: filter)
        return call.list(read) { String($0.position) }
    }

    @Sendable func finalize(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .ended(replay) }
        let note = try call.noteOnlyBody()
        return .ended(
            try await call.service.finalizeMigration(call.parameter("id"), call.writing(note)))
    }

    @Sendable func cancel(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .ended(replay) }
        let note = try call.noteOnlyBody()
        return .ended(
            try await call.service.cancelMigration(call.parameter("id"), call.writing(note)))
    }
}

extension EndpointResponse {
    /// - Throws: `planMismatch` where the page goes on in another plan than it began.
    fileprivate static func preview(
        _ committed: Committed, _ listing: PlanListing?
    ) throws(RegistryError) -> EndpointResponse {
        guard case .migration(let migration) = committed.outcome else { return .mismatch }
        let plan = PlanListing.name(of: migration)
        if let began = listing?.plan, began != plan {
            throw .planMismatch("the plan would be another one now; list its domains anew")
        }
        let page = committed.listed.map { listed in
            let last = listed.hasMore ? listed.items.last : nil
            return ListPage(
                items: listed.items,
                nextCursor: last.map { Cursor.encode(Cursor.key($0.position, of: plan)) })
        }
        return .json(PlannedMigration(migration, domains: page), at: committed.revision)
    }

    fileprivate static func planned(_ committed: Committed) -> EndpointResponse {
        guard case .migration(let migration) = committed.outcome else { return .mismatch }
        return EndpointResponse.json(migration, status: .created, at: committed.revision)
            .with(.location, EndpointID.getMigration.path(migration.id)).noting(committed)
    }

    fileprivate static func ended(_ committed: Committed) -> EndpointResponse {
        guard case .migration(let migration) = committed.outcome else { return .mismatch }
        return .json(migration, at: committed.revision).noting(committed)
    }
}

/// Which names of its plan a dry run lists.
struct PlanListing {
    private enum Status: String, CaseIterable { case planned, skipped }

    var query = MigrationDomainQuery(migration: "")
    /// Of which plan the page before was; nil: there was none.
    var plan: String?

    /// Nil: none. Finishes the query.
    init?(_ reader: inout QueryReader, ofDryRun isDryRun: Bool) throws {
        let isWanted = reader.value("domains", "true or false") { Bool($0) } ?? false
        if isWanted, !isDryRun {
            reader.refuse("domains", "conflict", "only a dry run lists them; a plan has a list")
        }
        query.wave = reader.wave()
        let status = reader.choice("status", Status.self)
        query.status = status.map { $0 == .planned ? .planned : .skipped }
        for name in ["wave", "status", "limit", "cursor"]
        where !isWanted && reader.text(name) != nil {
            reader.refuse(name, "conflict", "it goes with domains=true")
        }
        let page = try reader.page { try Cursor.planned($0) }
        guard isWanted else { return nil }
        (query.limit, query.after, plan) = (page.limit, page.after?.position, page.after?.plan)
    }

    /// What tells one plan's list from another's: the digest is of its waves alone.
    static func name(of migration: Migration) -> String {
        "\(migration.digestText.dropFirst("sha256:".count))/\(migration.counts.skipped)"
    }
}

extension QueryReader {
    /// A wave's number.
    fileprivate mutating func wave() -> Int? {
        value("wave", "a number from 1 to \(MigrationPlan.maximumWaves)") { text in
            Int(text).flatMap { (1...MigrationPlan.maximumWaves).contains($0) ? $0 : nil }
        }
    }
}

/// The body of `POST /v1/migrations`.
struct PlanBody {
    var plan: MigrationPlan
    let note: Note

    /// - Throws: `invalid-request` with everything that is wrong.
    init(_ body: JSONObjectReader) throws {
        var body = body
        let name = body.optionalString("name", minimum: 1, maximum: 100)
        let from = body.location("from")
        let to = body.location("to")
        if let from, from == to {
            body.refuse("to", "invalid", "a migration goes to another location")
        }
        let selection = Self.selection(&body)
        let waves = Self.waves(&body)
        let freeze = body.optionalChoice("freeze", FreezeMode.self) ?? .none
        let wholeTenants = body.optionalBool("whole_tenants") ?? true
        note = body.note()
        try body.finishOrThrow()
        guard let from, let to, let selection else { throw Problem.internalError }
        plan = MigrationPlan(
            id: MigrationPlan.newID(), name: name ?? "\(from)-to-\(to)", from: from, to: to,
            selection: selection, waves: waves, freeze: freeze, wholeTenants: wholeTenants)
    }

    private static func selection(_ body: inout JSONObjectReader) -> Selection? {
        guard var select = body.object("select") else { return nil }
        defer { select.finish() }
        guard select.isObject else { return nil }
        let hasNames = select.has("fqdns")
        guard hasNames != select.has("where") else {
            body.refuse("select", "invalid", "either fqdns or where is expected")
            _ = select.has("sample_percent")
            return nil
        }
        return hasNames ? names(&select) : filter(&select)
    }

    private static func names(_ select: inout JSONObjectReader) -> Selection? {
        let elements = select.array("fqdns", minimum: 1, maximum: MigrationPlan.maximumNames)
        var names: [FQDN] = []
        names.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                select.refuse(
                    "fqdns", at: index, "wrong-type", "a string is expected, not \(element.kind)")
                continue
            }
            do throws(FQDN.Malformed) {
                names.append(try FQDN(text))
            } catch {
                select.refuse("fqdns", at: index, "invalid-fqdn", error.explanation)
            }
        }
        if select.has("sample_percent") {
            select.refuse("sample_percent", "invalid", "a sample is taken of a filter, not a list")
        }
        return .names(names)
    }

    private static func filter(_ select: inout JSONObjectReader) -> Selection? {
        guard var conditions = select.object("where") else { return nil }
        defer { conditions.finish() }
        let filter = DomainFilter(DomainFilterMember.ofPlans, from: &conditions)
        let percent = select.optionalNumber("sample_percent", above: 0, atMost: 100)
        return .filter(filter, sample: percent.flatMap { Sample(percent: $0) })
    }

    private static func waves(_ body: inout JSONObjectReader) -> [WaveSize] {
        guard body.has("waves") else { return [.rest] }
        var elements = body.objects("waves", minimum: 1, maximum: MigrationPlan.maximumWaves)
        return elements.indices.compactMap { index in
            let size = wave(&elements[index])
            if size == .rest, index < elements.count - 1 {
                body.refuse("waves", at: index, "invalid", "the rest comes last")
            }
            return size
        }
    }

    private static func wave(_ element: inout JSONObjectReader) -> WaveSize? {
        defer { element.finish() }
        guard element.isObject else { return nil }
        let kinds = ["count", "percent", "rest"].filter { element.has($0) }
        guard kinds.count == 1 else {
            element.refuse("count", "invalid", "either count, percent or rest is expected")
            return nil
        }
        switch kinds[0] {
        case "count":
            let range = 1...Int64(MigrationPlan.maximumNames)
            return element.integer("count", in: range).map { .count(Int($0)) }
        case "percent":
            return element.optionalNumber("percent", above: 0, atMost: 100).map { .percent($0) }
        default:
            guard element.bool("rest") == false else { return .rest }
            element.refuse("rest", "invalid", "rest is true or not there")
            return nil
        }
    }
}

extension JSONObjectReader {
    /// A location's name that must be there.
    fileprivate mutating func location(_ name: String) -> LocationName? {
        guard let text = string(name, maximum: 63) else { return nil }
        guard let location = LocationName(text) else {
            refuse(name, "invalid", "a location's name is expected")
            return nil
        }
        return location
    }
}
