import RegistryModel

/// A store's whole state, gathered from the parts of its snapshot.
struct Snapshot: Sendable {
    var head: Head
    var domains: [Domain]
    var locations: [Location]
    var tokens: [TokenRecord]
    var openMigrations = 0
    var frozenWaves: [FrozenWave] = []

    init(of store: any Store, at revision: Revision? = nil) async throws(RegistryError) {
        let parts = Shared<[SnapshotPart]>([])
        let receive = { @Sendable (part: SnapshotPart) in parts.change { $0.append(part) } }
        if let revision {
            head = try await store.snapshot(at: revision, receive)
        } else {
            head = try await store.snapshot(receive)
        }
        (domains, locations, tokens) = ([], [], [])
        for part in parts.value {
            switch part {
            case .domains(let more): domains += more
            case .locations(let more): locations += more
            case .tokens(let more): tokens += more
            case .openMigrations(let count): openMigrations = count
            case .frozenWaves(let waves): frozenWaves = waves
            }
        }
    }
}
