import RegistryModel
import RegistryService

/// As of when a read is asked: `?at=<time>`, `?revision=<n>`, or now.
enum Moment: Sendable, Equatable {
    case now
    case time(Timestamp)
    case revision(NamedRevision)

    /// Reads the two parameters; `finish` of the reader tells what is wrong with them.
    init(_ query: inout QueryReader) {
        let time = query.time("at")
        let revision = query.revision("revision")
        if time != nil, revision != nil {
            query.refuse("revision", "conflict", "send either at or revision")
        }
        self = revision.map { .revision($0) } ?? time.map { .time($0) } ?? .now
    }

    /// - Returns: nil for now.
    /// - Throws: `needsRegistry` for the past, on an agent; `unknownTime` for what nobody knows yet; `resync`
    ///   for a revision of another epoch.
    func revision(of call: Call) async throws(RegistryError) -> Revision? {
        switch self {
        case .now: nil
        case .time(let time): try await call.service.revision(at: time)
        case .revision(let revision): try revision.checked(in: call.epoch())
        }
    }
}
