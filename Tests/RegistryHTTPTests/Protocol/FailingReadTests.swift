import NIOHTTP1
import RegistryModel
import Synchronization
import Testing

/// The read of a store that fails, counted from when it's armed.
private final class FailingRead: Sendable {
    private let left = Mutex<Int?>(nil)

    func arm(_ number: Int) { left.withLock { $0 = number } }

    /// Whether the armed one has been met; none is armed afterwards.
    func disarm() -> Bool {
        left.withLock { left in
            defer { left = nil }
            return left.map { $0 < 0 } ?? false
        }
    }

    func next() -> Bool {
        left.withLock { left in
            guard let number = left else { return false }
            left = number - 1
            return number == 0
        }
    }
}

@Suite("A failure of the store", .whateverTheStore) struct FailingReadTests {
    /// What reads the store before its answer begins.
    static let requests: [(HTTPMethod, String, String?)] = [
        (.GET, "/v1/domains", nil), (.GET, "/v1/domains?revision=3", nil),
        (.GET, "/v1/domains/a.example.com?revision=3", nil),
        (.GET, "/v1/domains/a.example.com?at=2020-01-01T00:00:00Z", nil),
        (.GET, "/v1/domains/a.example.com/availability", nil),
        (.GET, "/v1/domains/free.example.com/availability", nil),
        (.GET, "/v1/domains/www.example.com/availability", nil),
        (.POST, "/v1/lookup?revision=3", #"{"fqdns":["a.example.com"]}"#),
        (.GET, "/v1/domains/a.example.com/history", nil),
        (.GET, "/v1/domains/none.example.com/history", nil),
        (.GET, "/v1/history", nil), (.GET, "/v1/history/head", nil),
        (.GET, "/v1/locations", nil), (.GET, "/v1/tokens", nil), (.GET, "/v1/migrations", nil),
        (.GET, "/v1/migrations/m-none", nil), (.GET, "/v1/migrations/m-none/domains", nil),
        (.POST, "/v1/domains", #"{"fqdn":"free.example.com"}"#),
    ]

    @Test(arguments: requests)
    func `is never an answer, whichever read meets it`(
        method: HTTPMethod, target: String, body: String?
    ) async throws {
        let failing = FailingRead()
        let settings = RegistrySettings.with {
            $0.failure = .storeUnavailable
            $0.isFailing = { _ in false }
            $0.isReadFailing = failing.next
        }
        try await withRegistry(settings) { registry in
            try await registry.register("a.example.com")
            let headers = method == .POST ? [("Idempotency-Key", "k")] : []
            var reads = 0
            while true {
                failing.arm(reads)
                let answer = try await registry.send(
                    method, target, json: body, headers: headers)
                guard failing.disarm() else { break }
                #expect(answer.isProblem(503, "store-unavailable"), "read \(reads) of \(target)")
                reads += 1
            }
            // What looks into the table alone would say nothing here.
            #expect(reads > 0 || target.hasSuffix("/head"), "\(target)")
        }
    }
}
