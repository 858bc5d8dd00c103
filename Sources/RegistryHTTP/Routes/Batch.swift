import RegistryAPI
import RegistryModel
import RegistryService

/// `POST /v1/domains/batch`
struct BatchRoutes: Sendable {
    static let maximumRows = 10_000

    @Sendable func register(_ call: inout Call) async throws -> Reply {
        var object = try call.object()
        var names: [String] = []
        var rows: [Result<NewDomain, RegistryError>] = []
        for var row in object.objects("domains", maximum: Self.maximumRows) {
            // A value that won't do is this row's trouble; a row of another shape is the request's.
            let name = row.text("fqdn") ?? ""
            let location = row.optionalText("location")
            let tenant = row.optionalText("tenant")
            let mode = row.optionalText("mode")
            row.finish()
            let parsed = Self.domain(name, location: location, tenant: tenant, mode: mode)
            names.append((try? parsed.get().fqdn.text) ?? name)
            rows.append(parsed)
        }
        let allowsNested = object.optionalBool("allow_nested") ?? false
        let note = object.note()
        try object.finishOrThrow()

        let committed =
            if let replay = call.replay { replay } else {
                try await call.service.registerBatch(
                    rows.map { row in
                        row.map { domain in
                            var domain = domain
                            domain.allowsNested = allowsNested
                            return domain
                        }
                    }, call.writing(note))
            }
        guard case .batch(let refused) = committed.outcome else { return .mismatch }
        let results = names.enumerated().map { BatchAnswer.Row(fqdn: $1, code: refused[$0]) }
        return Reply.json(
            BatchAnswer(revision: committed.revision, results: results), at: committed.revision
        ).noting(committed)
    }

    private static func domain(
        _ name: String, location: String?, tenant: String?, mode: String?
    ) -> Result<NewDomain, RegistryError> {
        Result { () throws(RegistryError) in
            let fqdn = try Call.fqdn(name)
            if let tenant, !JSONObjectReader.isTenant(tenant) { throw .invalidTenant }
            guard let mode = mode.map({ Mode(rawValue: $0) }) ?? .serve else { throw .invalidMode }
            return NewDomain(
                fqdn: fqdn, location: location.map(LocationName.init(canonical:)), tenant: tenant,
                mode: mode)
        }
    }
}
