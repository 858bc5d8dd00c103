import RegistryModel
import RegistryService

/// Reads what was.
typealias PastReader<Subject, Value> = (Subject, PointInTime) async throws -> Read<Value>

/// As of when a read of the past is asked: `?at=<time>` or `?revision=<n>`.
enum PointInTime: Sendable {
    case time(Timestamp)
    case revision(NamedRevision)

    /// Reads the two parameters; `finish` of the reader tells what is wrong with them. Nil is now.
    init?(_ query: inout QueryReader) {
        let time = query.time("at")
        let revision = query.revision("revision")
        if time != nil, revision != nil {
            query.refuse("revision", "conflict", "send either at or revision")
        }
        guard let moment = revision.map(Self.revision) ?? time.map(Self.time) else { return nil }
        self = moment
    }

    /// - Throws: `unknownTime` for what nobody knows yet; `resync` for a revision of another epoch.
    func revision(of call: RegistryCall) async throws(RegistryError) -> Revision {
        switch self {
        case .time(let time): try await call.service.revision(at: time)
        case .revision(let revision): try revision.checked(in: call.epoch())
        }
    }

    /// An agent has no past to look into.
    /// - Throws: `needsRegistry`; `resync` for a revision of another epoch.
    func refuse(_ call: EdgeCall) throws(RegistryError) -> Never {
        if case .revision(let revision) = self { _ = try revision.checked(in: call.epoch()) }
        throw .needsRegistry
    }
}
