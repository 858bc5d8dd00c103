import RegistryClient
import RegistryWire

/// Everything that a server shows of its store, read from the outside.
struct Observation: Sendable {
    var head: Position
    /// By fqdn, from the store's pages.
    var domains: [String: DomainResource] = [:]
    /// From the first revision on.
    var history: [HistoryResource] = []

    init(of registry: RegistryClient) async throws {
        let answer = try await registry.send(.GET, "/v1/stats")
        guard let position = answer.position else { throw NeverHappened(what: "a position") }
        head = position
        var cursor: String?
        repeat {
            let page = try await registry.domains(filter: [], limit: 1000, cursor: cursor)
            for domain in page.items { domains[domain.fqdn] = domain }
            cursor = page.nextCursor
        } while cursor != nil
        repeat {
            let page = try await registry.history(
                of: nil, filter: [("order", "asc")], limit: 1000, cursor: cursor)
            history += page.items
            cursor = page.nextCursor
        } while cursor != nil
    }

    /// Whatever doesn't fit together in here, whoever wrote it.
    var contradictions: [String] {
        var found: [String] = []
        var expected: Int64 = 1
        for item in history {
            if item.revision == expected {
                expected += 1
            } else if item.revision != expected - 1 {
                found.append("history jumps from \(expected - 1) to \(item.revision)")
                expected = item.revision + 1
            }
        }
        if expected - 1 != head.revision {
            found.append("history ends at \(expected - 1), the head is \(head.revision)")
        }
        for (name, item) in last {
            let placement = domains[name].map(Operation.Placement.init)
            if placement != item.after.flatMap(Self.placement)
                || domains[name].map({ $0.revision != item.revision }) ?? false
            {
                found.append("\(name): history ends with \(item), the domain is \(placement as Any)")
            }
        }
        for name in domains.keys where last[name] == nil {
            found.append("\(name) has no history")
        }
        return found
    }

    /// The last change of each name.
    var last: [String: HistoryResource] {
        var last: [String: HistoryResource] = [:]
        for item in history {
            if let name = item.fqdn { last[name] = item }
        }
        return last
    }

    private static func placement(_ state: HistoryResource.State) -> Operation.Placement? {
        guard let location = state.location, let mode = state.mode else { return nil }
        return Operation.Placement(location: location, mode: mode, tenant: state.tenant)
    }
}
