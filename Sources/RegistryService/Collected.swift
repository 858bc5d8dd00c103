import RegistryModel
import Synchronization

/// The parts of a snapshot as they come in.
final class Collected: Sendable {
    private struct Parts {
        var locations: [Location] = []
        var tokens: [TokenRecord] = []
        var domains: [Domain] = []
        var openMigrations = 0
    }

    private let parts = Mutex(Parts())

    func add(_ part: SnapshotPart) {
        parts.withLock { parts in
            switch part {
            case .locations(let more): parts.locations += more
            case .tokens(let more): parts.tokens += more
            case .openMigrations(let count): parts.openMigrations = count
            case .domains(let more): parts.domains += more
            }
        }
    }

    func take() -> ([Location], [TokenRecord], [Domain], openMigrations: Int) {
        parts.withLock { parts in
            defer { parts = Parts() }
            return (parts.locations, parts.tokens, parts.domains, parts.openMigrations)
        }
    }
}
