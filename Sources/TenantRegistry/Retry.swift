import Foundation
import RegistryClient

extension Refusal {
    /// Whether the same may be done later.
    fileprivate var isPassing: Bool { status == 503 && code != "store-limit" }
}

/// Sends again where nobody answered, or where the service asked to come back later. For calls with
/// an `Idempotency-Key`: an answer that was lost isn't a second action.
enum Retry {
    /// Over some 25 s, in which a service restarts.
    static let attempts = 8

    /// Makes a key for a write that has none of its own, and sends again as `calling` does.
    static func keyed<Value>(
        _ call: (_ idempotencyKey: String) async throws -> Value
    ) async throws -> Value {
        let key = UUID().uuidString
        return try await calling { try await call(key) }
    }

    /// - Parameter say: takes a line about each attempt that came to nothing.
    static func calling<Value>(
        say: (String) -> Void = StandardError.write, _ call: () async throws -> Value
    ) async throws -> Value {
        var wait = Duration.milliseconds(200)
        for _ in 1..<attempts {
            do {
                return try await call()
            } catch ClientError.unreachable(let what) {
                say("\(what); trying again\n")
            } catch ClientError.refused(let refusal) where refusal.isPassing {
                say("\(refusal); trying again\n")
            }
            try await Task.sleep(for: wait)
            wait *= 2
        }
        return try await call()
    }
}
