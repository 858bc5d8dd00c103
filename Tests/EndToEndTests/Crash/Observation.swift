import RegistryAPI
import RegistryClient
import RegistryModel

/// Everything that a server shows of its store, read from the outside.
struct Observation: Sendable {
    private(set) var head: Position
    /// By fqdn, from the store's pages.
    private(set) var domains: [String: Domain] = [:]
    /// From the first revision on.
    private(set) var history: [HistoryEntry] = []
    /// Items of history that weren't the same the second time.
    private var rewritten: [String] = []
    /// Where the last page of history begins, as the server calls it and in `history`.
    private var lastPage: (cursor: String?, start: Int) = (nil, 0)

    init(of registry: RegistryClient) async throws {
        head = Position(epoch: "", revision: 0)
        try await update(from: registry)
    }

    /// Reads again: all domains, and what history has had since.
    mutating func update(from registry: RegistryClient) async throws {
        let answer = try await registry.send(.GET, "/v1/stats")
        guard let position = answer.position else { throw NeverHappened(what: "a position") }
        head = position

        domains = [:]
        var cursor: String?
        repeat {
            let page = try await registry.domains(filter: [], limit: 1000, cursor: cursor)
            for domain in page.items { domains[domain.fqdn.text] = domain }
            cursor = page.nextCursor
        } while cursor != nil

        let before = history[lastPage.start...]
        history.removeSubrange(lastPage.start...)
        cursor = lastPage.cursor
        repeat {
            lastPage = (cursor, history.count)
            let page = try await registry.history(
                of: nil, filter: [("order", "asc")], limit: 1000, cursor: cursor)
            history += page.items
            cursor = page.nextCursor
        } while cursor != nil
        for (old, new) in zip(before, history.dropFirst(before.startIndex)) where old != new {
            rewritten.append("history said \(old), and says \(new)")
        }
    }

    /// Whatever doesn't fit together in here, whoever wrote it.
    var contradictions: [String] {
        var found = rewritten
        var expected: Int64 = 1
        for item in history {
            if item.revision.number == expected {
                expected += 1
            } else if item.revision.number != expected - 1 {
                found.append("history jumps from \(expected - 1) to \(item.revision)")
                expected = item.revision.number + 1
            }
        }
        if expected - 1 != head.revision {
            found.append("history ends at \(expected - 1), the head is \(head.revision)")
        }
        let last = last
        for (name, item) in last {
            let placement = domains[name].map(Operation.Placement.init)
            if placement != item.after.flatMap(Self.placement)
                || domains[name].map({ $0.revision != item.revision }) ?? false
            {
                found.append(
                    "\(name): history ends with \(item), the domain is \(placement as Any)")
            }
        }
        for name in domains.keys where last[name] == nil {
            found.append("\(name) has no history")
        }
        return found
    }

    /// The last change of each name.
    var last: [String: HistoryEntry] {
        var last: [String: HistoryEntry] = [:]
        for item in history {
            if let name = item.fqdn { last[name] = item }
        }
        return last
    }

    private static func placement(_ state: HistoryEntry.State) -> Operation.Placement? {
        guard let placement = state.placement, let location = placement.location,
            let mode = placement.mode
        else { return nil }
        return Operation.Placement(location: location, mode: mode, tenant: placement.tenant)
    }
}
