import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/migrations`, but for its waves.
struct MigrationRoutes: Sendable {
    @Sendable func plan(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let isDryRun = query.value("dry_run", "true or false") { Bool($0) } ?? false
        try query.finish()
        if let replay = call.replay { return .planned(replay) }
        var body = try PlanBody(call.object())
        body.plan.isDryRun = isDryRun
        return .planned(
            try await call.service.planMigration(body.plan, call.writing(body.note)),
            isDryRun: isDryRun)
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
        filter.wave = query.value("wave", "a number from 1 to \(MigrationPlan.maximumWaves)") {
            text in
            Int(text).flatMap { (1...MigrationPlan.maximumWaves).contains($0) ? $0 : nil }
        }
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
    fileprivate static func planned(_ committed: Committed, isDryRun: Bool = false)
        -> EndpointResponse
    {
        guard case .migration(let migration) = committed.outcome else { return .mismatch }
        guard !isDryRun else { return .json(migration, at: committed.revision) }
        return EndpointResponse.json(migration, status: .created, at: committed.revision)
            .with(.location, EndpointID.getMigration.path(migration.id)).noting(committed)
    }

    fileprivate static func ended(_ committed: Committed) -> EndpointResponse {
        guard case .migration(let migration) = committed.outcome else { return .mismatch }
        return .json(migration, at: committed.revision).noting(committed)
    }
}
