import RegistryAPI
import RegistryClient
import RegistryModel

/// What all writers know, held against what a server shows after a crash.
struct WriteLedger: Sendable {
    private(set) var writers: [Writer]
    private(set) var head: Position?

    init(writers count: Int) {
        writers = (0..<count).map { Writer(id: $0) }
    }

    var acknowledgedCount: Int { writers.map(\.acknowledged.count).reduce(0, +) }

    /// All writers at once, until the server is gone.
    mutating func writeUntilCut(_ registry: RegistryClient) async {
        writers = await withTaskGroup { group in
            for writer in writers {
                group.addTask {
                    var writer = writer
                    await writer.writeUntilCut(registry)
                    return writer
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// One writer, one write after the other.
    mutating func write(_ operations: [Operation], _ registry: RegistryClient) async {
        for operation in operations { await writers[0].write(operation, key: nil, registry) }
    }

    /// Compares, and takes over what the server turned out to have of unanswered writes.
    ///
    /// - Returns: every broken promise, in words.
    mutating func settle(_ seen: Observation) -> [String] {
        var broken = seen.contradictions
        if let head {
            if seen.head.epoch != head.epoch { broken.append("the epoch has changed") }
        }
        let known = writers.flatMap(\.acknowledged).map(\.revision) + [head?.revision ?? 0]
        if seen.head.revision < known.max()! { broken.append("the head has gone back") }
        head = seen.head
        let byRevision = Dictionary(grouping: seen.history, by: \.revision.number)
        let last = seen.last
        for index in writers.indices {
            broken += writers[index].surprises
            broken += Self.lost(writers[index].acknowledged, byRevision)
            broken += Self.settlePending(&writers[index], seen, last)
            broken += Self.settleNames(&writers[index], seen, last)
        }
        return broken
    }

    /// Each acknowledged write is a revision of its own with all its names.
    private static func lost(
        _ acknowledged: [Writer.Acknowledged], _ byRevision: [Int64: [HistoryEntry]]
    ) -> [String] {
        acknowledged.compactMap { write in
            let items = byRevision[write.revision] ?? []
            let isThere =
                items.compactMap(\.fqdn) == write.operation.names
                && items.allSatisfy { write.operation.actions.contains($0.action) }
            return isThere ? nil : "lost: revision \(write.revision), \(write.operation)"
        }
    }

    private static func settleNames(
        _ writer: inout Writer, _ seen: Observation, _ last: [String: HistoryEntry]
    ) -> [String] {
        writer.names.compactMap { name, known in
            switch known {
            case .live(let expected):
                guard let there = seen.domains[name] else { return "lost: \(name)" }
                return there == expected ? nil : "\(expected) became \(there)"
            case .registered(let placement, let revision):
                guard let there = seen.domains[name] else { return "lost: \(name)" }
                writer.names[name] = .live(there)
                return Operation.Placement(there) == placement && there.revision.number == revision
                    ? nil : "\(name): \(placement) at \(revision) became \(there)"
            case .released(_, let revision):
                guard seen.domains[name] == nil, last[name]?.action == "released",
                    last[name]?.revision.number == revision
                else { return "lost: the release of \(name)" }
                return nil
            }
        }
    }

    /// An unanswered write is there whole, in one revision, or not at all.
    private static func settlePending(
        _ writer: inout Writer, _ seen: Observation, _ last: [String: HistoryEntry]
    ) -> [String] {
        guard let pending = writer.pending else { return [] }
        let operation = pending.operation
        let revisions = operation.names.map { name -> Int64? in
            guard let item = last[name], !writer.knows(name, at: item.revision.number),
                operation.actions.contains(item.action)
            else { return nil }
            return item.revision.number
        }
        guard Set(revisions).count == 1 else {
            return ["half of \(operation) is there: \(revisions)"]
        }
        guard let revision = revisions[0] else { return [] }
        for name in operation.names {
            if let domain = seen.domains[name] {
                guard Operation.Placement(domain) == operation.result else {
                    return ["\(operation) left \(domain)"]
                }
                writer.names[name] = .live(domain)
            } else if let before = writer.names[name] {
                writer.names[name] = .released(before.placement, revision)
            }
        }
        return []
    }

    /// Repeats what carried a key: unanswered writes, and some that were answered long ago.
    mutating func repeatKeyed(_ registry: RegistryClient) async throws -> [String] {
        var broken: [String] = []
        for index in writers.indices {
            for earlier in writers[index].acknowledged.filter({ $0.key != nil }).shuffled().prefix(
                2)
            {
                let again = try await earlier.operation.send(registry, key: earlier.key)
                if !again.isReplay || again.body != earlier.answer.body {
                    broken.append("\(earlier.operation) wasn't replayed: \(again)")
                }
            }
            guard let pending = writers[index].pending else { continue }
            writers[index].pending = nil
            guard let key = pending.key else { continue }
            let name = pending.operation.names[0]
            let before = writers[index].names[name]
            let answer = try await pending.operation.send(registry, key: key)
            try writers[index].note(pending.operation, key: key, answer)
            let wasThere = before.map { writers[index].knows(name, at: $0.revision) } ?? false
            if answer.isReplay != wasThere {
                broken.append("\(pending.operation): replay \(answer.isReplay), there \(wasThere)")
            }
        }
        return broken
    }
}

extension Writer {
    func knows(_ name: String, at revision: Int64) -> Bool {
        names[name]?.revision == revision
    }
}
