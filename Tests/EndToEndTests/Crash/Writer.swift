import Foundation
import NIOCore
import RegistryAPI
import RegistryClient
import RegistryModel

/// One client that writes, alone among names of its own, and remembers what it was told.
struct Writer: Sendable {
    /// What is known of a name.
    enum Known: Sendable, Equatable {
        /// The whole domain: as the last answer had it.
        case live(Domain)
        /// By a batch, whose answer has no times: the next check fills them in.
        case registered(Operation.Placement, Int64)
        /// As it was, and the revision that released it.
        case released(Operation.Placement, Int64)
    }

    /// A write whose answer came.
    struct Acknowledged: Sendable {
        var operation: Operation
        var revision: Int64
        var key: String?
        var answer: RegistryClient.Answer
    }

    /// A write whose answer never came.
    struct Pending: Sendable {
        var operation: Operation
        var key: String?
    }

    let id: Int
    var names: [String: Known] = [:]
    var acknowledged: [Acknowledged] = []
    var pending: Pending?
    /// Refusals, which none of these writes should meet.
    var surprises: [String] = []
    private var count = 0

    static let batchSize = 50

    init(id: Int) {
        self.id = id
    }

    /// Writes until an answer stays away.
    mutating func writeUntilCut(_ registry: RegistryClient) async {
        while pending == nil, surprises.isEmpty {
            let operation = next()
            let key = operation.takesKey && Bool.random() ? UUID().uuidString : nil
            await write(operation, key: key, registry)
        }
    }

    mutating func write(_ operation: Operation, key: String?, _ registry: RegistryClient) async {
        do {
            try note(operation, key: key, await operation.send(registry, key: key))
        } catch ClientError.unreachable {
            pending = Pending(operation: operation, key: key)
        } catch ClientError.refused(let refusal) where refusal.code == "store-failed" {
            // The store can't tell either.
            pending = Pending(operation: operation, key: key)
        } catch {
            surprises.append("\(operation): \(error)")
        }
    }

    /// Takes over what an answer says.
    mutating func note(
        _ operation: Operation, key: String?, _ answer: RegistryClient.Answer
    ) throws {
        let revision: Int64
        switch operation {
        case .register(let name, _, _), .change(let name, _), .restore(let name, _):
            let domain = try answer.decode(Domain.self)
            revision = domain.revision.number
            names[name] = .live(domain)
            if Operation.Placement(domain) != operation.result {
                surprises.append("\(operation) answered \(domain)")
            }
        case .release(let name):
            guard let known = names[name], let position = answer.position else {
                return surprises.append("\(operation) answered \(answer)")
            }
            revision = position.revision
            names[name] = .released(known.placement, revision)
        case .batch(let all, let location, let tenant):
            let batch = try answer.decode(BatchResponse.self)
            revision = batch.revision.number
            guard batch.results.map(\.fqdn) == all,
                batch.results.allSatisfy({ $0.isRegistered })
            else { return surprises.append("\(operation) answered \(batch)") }
            for name in all {
                names[name] = .registered(
                    Operation.Placement(location: location, mode: "serve", tenant: tenant),
                    revision)
            }
        }
        acknowledged.append(
            Acknowledged(operation: operation, revision: revision, key: key, answer: answer))
    }

    private mutating func next() -> Operation {
        let known = Bool.random() ? names.randomElement() : nil
        switch known {
        case (let name, .released(let placement, _))?:
            return .restore(name, placement)
        case (let name, let known)?:
            if Int.random(in: 0..<3) == 0 { return .release(name) }
            var placement = known.placement
            placement.location = placement.location == "aws" ? "japan" : "aws"
            placement.mode = ["serve", "read_only", "reject"].randomElement()!
            return .change(name, placement)
        case nil:
            count += 1
            let location = ["japan", "aws"].randomElement()!
            guard Int.random(in: 0..<8) == 0 else {
                return .register(
                    "w\(id)-\(count).example.com", location: location, tenant: "tenant-\(count)")
            }
            let all = (0..<Self.batchSize).map { "w\(id)-\(count)-\($0).example.com" }
            return .batch(all, location: location, tenant: "batch-\(count)")
        }
    }
}

extension Writer.Known {
    /// Now, or before the release.
    var placement: Operation.Placement {
        switch self {
        case .live(let domain): Operation.Placement(domain)
        case .registered(let placement, _), .released(let placement, _): placement
        }
    }

    /// Of the write that it's known from.
    var revision: Int64 {
        switch self {
        case .live(let domain): domain.revision.number
        case .registered(_, let revision), .released(_, let revision): revision
        }
    }
}
