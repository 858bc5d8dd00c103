import RegistryAPI
import RegistryModel
import RegistryService

/// `POST /v1/domains/batch`
struct BatchRoutes: Sendable {
    @Sendable func register(_ call: RegistryCall) async throws -> EndpointResponse {
        let request: BatchRegistration = try call.read()
        var names: [String] = []
        let rows = request.domains.map { row in
            let parsed = Self.domain(row, allowsNested: request.allowsNested)
            names.append((try? parsed.get().fqdn.text) ?? row.fqdn)
            return parsed
        }

        let committed =
            if let replay = call.replay { replay } else {
                try await call.service.registerBatch(rows, call.writing(request.note))
            }
        guard case .batch(let refused) = committed.outcome else { return .mismatch }
        let results = names.enumerated().map { BatchResponse.Row(fqdn: $1, code: refused[$0]) }
        return EndpointResponse.json(
            BatchResponse(revision: committed.revision, results: results), at: committed.revision
        ).noting(committed)
    }

    private static func domain(
        _ row: BatchRegistration.Row, allowsNested: Bool
    ) -> Result<NewDomain, RegistryError> {
        Result { () throws(RegistryError) in
            let fqdn = try RegistryCall.fqdn(row.fqdn)
            if let tenant = row.tenant, !JSONObjectReader.isTenant(tenant) { throw .invalidTenant }
            guard let mode = row.mode.map({ Mode(rawValue: $0) }) ?? .serve else {
                throw .invalidMode
            }
            var domain = NewDomain(
                fqdn: fqdn, location: row.location.map(LocationName.init(canonical:)),
                tenant: row.tenant, mode: mode)
            domain.allowsNested = allowsNested
            return domain
        }
    }
}
