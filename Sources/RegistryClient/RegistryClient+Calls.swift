import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    package func domain(
        _ fqdn: String, at time: String? = nil, revision: NamedRevision? = nil
    ) async throws -> Received<Domain> {
        try Received(
            await send(
                .GET, "/v1/domains/\(Self.escape(fqdn))",
                query: [("at", time), ("revision", revision?.description)]))
    }

    /// What a revision is that somebody names without an epoch.
    ///
    /// - Throws: `ClientError.refused` with status 410 where it can mean more than one thing, or isn't there.
    package func position(of revision: NamedRevision) async throws -> Position {
        if let epoch = revision.epoch { return Position(epoch: epoch, revision: revision.revision) }
        let answer = try await send(
            .HEAD, "/v1/changes", query: [("after", "\(revision)"), ("limit", "1")])
        guard let read = Position(answer.headers) else {
            throw ClientError.unreadable("X-Registry-Revision is missing")
        }
        return Position(epoch: read.epoch, revision: revision.revision)
    }

    package func domains(
        filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Domain> {
        try await send(
            .GET, "/v1/domains", query: filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func register(
        _ fqdn: String, location: String?, tenant: String?, allowsNested: Bool = false, note: Note,
        idempotencyKey: String? = nil
    ) async throws -> Received<Domain> {
        let body = Self.object { writer in
            writer.field("fqdn", fqdn)
            writer.fieldIfPresent("location", location)
            writer.fieldIfPresent("tenant", tenant)
            if allowsNested { writer.field("allow_nested", true) }
            writer.note(note)
        }
        return try Received(
            await send(
                .POST, "/v1/domains", body: body, headers: Self.idempotency(idempotencyKey)))
    }

    /// One row of a batch, as its file said it.
    package struct BatchRow: Sendable {
        package var fqdn: String
        package var location: String?
        package var tenant: String?
        package var mode: String?

        package init(fqdn: String, location: String?, tenant: String?, mode: String? = nil) {
            self.fqdn = fqdn
            self.location = location
            self.tenant = tenant
            self.mode = mode
        }
    }

    package func registerBatch(
        _ rows: [BatchRow], allowsNested: Bool = false, note: Note, idempotencyKey: String? = nil
    ) async throws -> BatchAnswer {
        let body = Self.object { writer in
            writer.key("domains")
            writer.beginArray()
            for row in rows {
                writer.beginObject()
                writer.field("fqdn", row.fqdn)
                writer.fieldIfPresent("location", row.location)
                writer.fieldIfPresent("tenant", row.tenant)
                writer.fieldIfPresent("mode", row.mode)
                writer.endObject()
            }
            writer.endArray()
            if allowsNested { writer.field("allow_nested", true) }
            writer.note(note)
        }
        return try await send(
            .POST, "/v1/domains/batch", body: body, headers: Self.idempotency(idempotencyKey)
        ).decode()
    }

    package func availability(of fqdn: String) async throws -> AvailabilityAnswer {
        try await send(.GET, "/v1/domains/\(Self.escape(fqdn))/availability")
            .decode()
    }

    package func change(
        _ fqdn: String, location: String?, mode: String?, tenant: DomainPatch.TenantChange?,
        allowsNested: Bool = false, note: Note, ifMatch position: Position? = nil,
        idempotencyKey: String? = nil
    ) async throws -> Received<Domain> {
        let body = Self.object { writer in
            writer.fieldIfPresent("location", location)
            writer.fieldIfPresent("mode", mode)
            switch tenant {
            case .set(let name): writer.field("tenant", name)
            case .clear:
                writer.key("tenant")
                writer.null()
            case nil: break
            }
            if allowsNested { writer.field("allow_nested", true) }
            writer.note(note)
        }
        return try Received(
            await send(
                .PATCH, "/v1/domains/\(Self.escape(fqdn))", body: body,
                headers: (position.map { [("If-Match", "\"\($0)\"")] } ?? [])
                    + Self.idempotency(idempotencyKey)))
    }

    package func release(
        _ fqdn: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete("/v1/domains/\(Self.escape(fqdn))", note, idempotencyKey)
    }

    package func restore(
        _ fqdn: String, allowsNested: Bool = false, note: Note
    ) async throws -> Received<Domain> {
        let body = Self.object { writer in
            if allowsNested { writer.field("allow_nested", true) }
            writer.note(note)
        }
        return try Received(
            await send(.POST, "/v1/domains/\(Self.escape(fqdn))/restore", body: body))
    }

    /// - Parameter fqdn: one domain's history; nil: everything.
    package func history(
        of fqdn: String?, filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<HistoryEntry> {
        let path = fqdn.map { "/v1/domains/\(Self.escape($0))/history" } ?? "/v1/history"
        return try await send(
            .GET, path, query: filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func statistics() async throws -> Statistics {
        try await send(.GET, "/v1/stats").decode()
    }

    package func locations() async throws -> [Location] {
        var locations: [Location] = []
        var cursor: String?
        repeat {
            let page: ListPage<Location> = try await send(
                .GET, "/v1/locations", query: [("limit", "1000"), ("cursor", cursor)]
            ).decode()
            locations += page.items
            cursor = page.nextCursor
        } while cursor != nil
        return locations
    }

    package func putLocation(
        _ name: String, upstream: String, acceptsSignups: Bool, isDefault: Bool, note: Note,
        idempotencyKey: String? = nil
    ) async throws -> Location {
        let body = Self.object { writer in
            writer.field("upstream", upstream)
            writer.field("accepts_signups", acceptsSignups)
            writer.field("default_for_signups", isDefault)
            writer.note(note)
        }
        return try await send(
            .PUT, "/v1/locations/\(Self.escape(name))", body: body,
            headers: Self.idempotency(idempotencyKey)
        ).decode()
    }

    package func deleteLocation(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete("/v1/locations/\(Self.escape(name))", note, idempotencyKey)
    }

    package func tokens(cursor: String? = nil) async throws -> ListPage<ListedToken> {
        try await send(.GET, "/v1/tokens", query: [("limit", "1000"), ("cursor", cursor)])
            .decode()
    }

    package func createToken(
        name: String, role: String, expiresAt: String?, note: Note
    ) async throws -> ListedToken {
        let body = Self.object { writer in
            writer.field("name", name)
            writer.field("role", role)
            writer.fieldIfPresent("expires_at", expiresAt)
            writer.note(note)
        }
        return try await send(.POST, "/v1/tokens", body: body).decode()
    }

    package func revokeToken(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete("/v1/tokens/\(Self.escape(id))", note, idempotencyKey)
    }
}

extension RegistryClient {
    static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        members(&writer)
        writer.endObject()
        return writer.bytes
    }

    static func idempotency(_ key: String?) -> [(String, String)] {
        key.map { [("Idempotency-Key", $0)] } ?? []
    }

    func delete(_ path: String, _ note: Note, _ idempotencyKey: String?) async throws {
        _ = try await send(
            .DELETE, path, query: Self.query(note), headers: Self.idempotency(idempotencyKey))
    }

    static func query(_ note: Note) -> [(String, String?)] {
        [("reason", note.reason), ("ticket", note.ticket)]
    }
}

extension JSONWriter {
    mutating func note(_ note: Note) {
        fieldIfPresent("reason", note.reason)
        fieldIfPresent("ticket", note.ticket)
    }
}
