import Logging
import RegistryModel
import StoreCore

extension PostgresStore: VerifiedReader {
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await reading(.walk, body)
    }

    private func verification(
        _ noted: NotedDigest?, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        let schema = try await PostgresSchemaCheck(self)
        return try await StoreVerifier(self, noted: noted, progress: progress).run(
            VerifiedSchema(
                flaws: schema.flaws, foreign: schema.foreign, locations: schema.locations,
                hasFacets: true))
    }

    package func verify(
        _ noted: NotedDigest?, progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        do {
            return try await verification(noted, progress: progress)
        } catch {
            throw refusal(forRead: error)
        }
    }

    /// Checks a database that no node uses, and changes nothing in it.
    ///
    /// - Throws: `PostgresOpeningError` where it can't be opened, or holds no store.
    package static func verifyStopped(
        _ connection: ConnectionSettings, _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        var configuration = Configuration(
            connection: connection, quarantine: .zero, now: { Timestamp(milliseconds: 0) })
        configuration.readers = 1
        let store = PostgresStore(
            configuration, logger: Logger(label: "verify"), onCommit: { _ in })
        do {
            try await store.openSessions()
            let result = try await store.verification(noted, progress: progress)
            await store.close()
            return result
        } catch {
            await store.close()
            guard let failure = error as? RegistryError else { throw error }
            throw PostgresOpeningError.failed(failure.code)
        }
    }
}
