import RegistryModel
import RegistryService
import RegistryWire

/// `/v1/history` and a domain's own history.
struct HistoryRoutes: Sendable {
    @Sendable func global(_ call: inout Call) async throws -> Reply {
        try await page(call, of: nil)
    }

    @Sendable func ofDomain(_ call: inout Call) async throws -> Reply {
        try await page(call, of: call.fqdn())
    }

    private func page(_ call: Call, of fqdn: FQDN?) async throws -> Reply {
        var query = QueryReader(call.query)
        var filter = HistoryQuery(fqdn: fqdn)
        filter.actor = query.text("actor")
        filter.action = query.choice("action", Action.self)
        filter.migration = query.text("migration")
        filter.location = query.value("location", "a location's name") { LocationName($0) }
        filter.since = query.time("since")
        filter.until = query.time("until")
        filter.order = query.choice("order", HistoryQuery.Order.self) ?? .descending
        filter.limit = query.limit()
        let cursor = query.text("cursor")
        try query.finish()
        if let cursor { filter.after = try place(cursor) }
        let read = try await call.service.history(filter)
        if let fqdn, read.value.items.isEmpty {
            // A domain that was ever known has a history, whatever the filters leave of it.
            let any = try await call.service.history(HistoryQuery(fqdn: fqdn, limit: 1))
            if any.value.items.isEmpty { throw RegistryError.unknownDomain(fqdn) }
        }
        return call.list(read, key: { "\($0.header.revision).\($0.position)" }) { $1.write($0) }
    }

    private func place(_ cursor: String) throws(RegistryError) -> HistoryQuery.Place {
        let parts = try Cursor.decode(cursor).split(separator: ".").map { Int64($0) }
        guard parts.count == 2, let revision = parts[0], let position = parts[1] else {
            throw .invalidCursor
        }
        return HistoryQuery.Place(revision: Revision(revision), position: Int(position))
    }
}
