import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// One step of one wave by hand: the migration is read first, so that the digest and the count that
/// the service asks for are those that the caller has seen.
struct WaveStepCommand {
    let registry: RegistryClient
    let received: RegistryClient.Received<Migration>
    let wave: Wave
    private let key = UUID().uuidString

    /// - Throws: `CommandFailure.refused` where the migration has no such wave.
    init(_ registry: RegistryClient, _ options: WaveOptions) async throws {
        self.registry = registry
        received = try await registry.migration(options.id)
        guard let wave = received.value.waves.first(where: { $0.number == options.wave }) else {
            throw CommandFailure.refused(
                "migration \(options.id) has \(MigrationView.count(received.value.waves.count, "wave")), and no \(options.wave)"
            )
        }
        self.wave = wave
    }

    var migration: Migration { received.value }

    func reference(_ options: WaveOptions) -> RegistryClient.WaveReference {
        RegistryClient.WaveReference(
            migration: options.id, number: wave.number, planDigest: migration.digestText,
            expectedCount: wave.size)
    }

    func call(
        _ step: String, _ why: NoteOptions, waitSeconds: Int? = nil, override: String? = nil
    ) -> RegistryClient.WaveCall {
        RegistryClient.WaveCall(
            note: why.note, idempotencyKey: "\(step)-\(key)", overrideReason: override,
            waitSeconds: waitSeconds)
    }
}
