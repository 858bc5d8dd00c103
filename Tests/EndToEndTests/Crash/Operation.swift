import NIOHTTP1
import RegistryAPI
import RegistryClient
import RegistryModel

/// One write that a test sends, and what it should leave.
enum Operation: Sendable {
    case register(String, location: String, tenant: String)
    case change(String, Placement)
    case release(String)
    case restore(String, Placement)
    case batch([String], location: String, tenant: String)

    /// What a change can touch. nil as a whole: the name is released, or was never registered.
    struct Placement: Sendable, Equatable {
        var location: String
        var mode: String
        var tenant: String?

        init(location: String, mode: String, tenant: String?) {
            self.location = location
            self.mode = mode
            self.tenant = tenant
        }

        init(_ domain: Domain) {
            self.init(
                location: domain.location.text, mode: domain.mode.rawValue, tenant: domain.tenant)
        }
    }

    var names: [String] {
        switch self {
        case .register(let name, _, _), .change(let name, _), .release(let name),
            .restore(let name, _):
            [name]
        case .batch(let names, _, _): names
        }
    }

    /// What each of the names is once this has been done.
    var result: Placement? {
        switch self {
        case .register(_, let location, let tenant), .batch(_, let location, let tenant):
            Placement(location: location, mode: "serve", tenant: tenant)
        case .change(_, let placement), .restore(_, let placement): placement
        case .release: nil
        }
    }

    /// What history may call it.
    var actions: Set<String> {
        switch self {
        case .register, .batch: ["registered"]
        case .change: ["moved", "updated"]
        case .release: ["released"]
        case .restore: ["restored"]
        }
    }

    /// - Parameter key: an `Idempotency-Key`, which only a POST takes.
    func send(_ registry: RegistryClient, key: String?) async throws -> RegistryClient.Answer {
        let headers = key.map { [("Idempotency-Key", $0)] } ?? []
        return switch self {
        case .register(let name, let location, let tenant):
            try await registry.send(
                .POST, "/v1/domains",
                body: Self.row(name, location, tenant, #","allow_split":true"#),
                headers: headers)
        case .change(let name, let placement):
            try await registry.send(
                .PATCH, "/v1/domains/\(name)",
                body: Array(
                    #"{"location":"\#(placement.location)","mode":"\#(placement.mode)","allow_split":true}"#
                        .utf8))
        case .release(let name):
            try await registry.send(.DELETE, "/v1/domains/\(name)")
        case .restore(let name, _):
            try await registry.send(
                .POST, "/v1/domains/\(name)/restore", body: Array(#"{"allow_split":true}"#.utf8),
                headers: headers)
        case .batch(let names, let location, let tenant):
            try await registry.send(
                .POST, "/v1/domains/batch",
                body: Array(#"{"domains":["#.utf8)
                    + names.map { Self.row($0, location, tenant) }.joined(
                        separator: Array(",".utf8))
                    + Array(#"],"allow_split":true}"#.utf8),
                headers: headers)
        }
    }

    private static func row(
        _ name: String, _ location: String, _ tenant: String, _ more: String = ""
    ) -> [UInt8] {
        Array(#"{"fqdn":"\#(name)","location":"\#(location)","tenant":"\#(tenant)"\#(more)}"#.utf8)
    }

    var takesKey: Bool {
        switch self {
        case .register, .batch, .restore: true
        case .change, .release: false
        }
    }
}

extension RegistryClient.Answer {
    /// `X-Registry-Revision: <epoch>.<revision>`
    var position: Position? {
        let parts = headers.first(name: "X-Registry-Revision")?.split(separator: ".") ?? []
        guard parts.count == 2, let revision = Int64(parts[1]) else { return nil }
        return Position(epoch: String(parts[0]), revision: revision)
    }

    var isReplay: Bool { headers.first(name: "Idempotency-Replayed") == "true" }
}

/// A place in the log.
struct Position: Sendable, Equatable {
    var epoch: String
    var revision: Int64
}
