import RegistryModel
import Synchronization

/// The parts of a snapshot as they come in.
final class Collected: Sendable {
    private struct Parts {
        var locations: [Location] = []
        var tokens: [TokenRecord] = []
        var domains: [Domain] = []
    }

    private let parts = Mutex(Parts())

    func add(_ part: SnapshotPart) {
        parts.withLock { parts in
            switch part {
            case .locations(let more): parts.locations += more
            case .tokens(let more): parts.tokens += more
            case .domains(let more): parts.domains += more
            }
        }
    }

    func take() -> ([Location], [TokenRecord], [Domain]) {
        parts.withLock { parts in
            defer { parts = Parts() }
            return (parts.locations, parts.tokens, parts.domains)
        }
    }
}
