import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import RegistryAPI
import RegistryModel

/// One receiver while there is something to tell it. It's closed at the end.
struct Receiver {
    /// What became of an attempt.
    enum Answer: Equatable {
        case taken
        /// 410: it wants no more.
        case gone
        /// - Parameter retryAfter: what it asks for.
        case failed(String, retryAfter: Duration?)
    }

    /// How receivers are reached.
    struct Way: Sendable {
        /// Authorities; nil: the system's.
        var tls: TLSConfiguration?
        /// Whether this machine may be one.
        var allowsPlain: Bool
        var lookup = AddressLookup.system
        /// Until the head of an answer is there.
        var timeout = TimeAmount.seconds(10)
        /// For the rest of an answer, which nobody needs.
        var bodyTimeout = Duration.seconds(1)
    }

    private let url: WebhookURL
    private let way: Way
    /// To the address that it was made for.
    private var client: (address: ReceiverAddress, http: HTTPClient)?

    private static let connectTimeout = TimeAmount.seconds(5)
    /// Of what a receiver answers; more is cut off.
    private static let answerLimit = 64 * 1024
    /// A name may have many.
    private static let addressesTried = 4

    init(_ url: WebhookURL, _ way: Way) {
        self.url = url
        self.way = way
    }

    /// - Parameter now: when it's sent.
    mutating func send(
        _ body: [UInt8], _ signature: WebhookSignature, at now: Timestamp
    ) async -> Answer {
        let addresses: [ReceiverAddress]
        do {
            if let why = url.refusal(allowingPlain: way.allowsPlain) {
                return .failed(why, retryAfter: nil)
            }
            let found = try await way.lookup.addresses(
                of: url, allowingLoopback: way.allowsPlain)
            // Name servers turn the order round each time: a connection that is open is used again.
            let open = found.filter { $0 == client?.address }
            addresses = open + found.filter { $0 != client?.address }
        } catch {
            return .failed("\(error)", retryAfter: nil)
        }
        var last = Answer.failed("it has no address", retryAfter: nil)
        for address in addresses.prefix(Self.addressesTried) {
            do {
                return try await send(body, signature, to: address, at: now)
            } catch {
                last = .failed(Self.text(error), retryAfter: nil)
                guard Self.isAboutAddress(error) else { break }
            }
        }
        return last
    }

    mutating func close() async {
        try? await client?.http.shutdown()
        client = nil
    }

    private mutating func send(
        _ body: [UInt8], _ signature: WebhookSignature, to address: ReceiverAddress,
        at now: Timestamp
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json", "User-Agent": "tenant-registry",
            "webhook-id": signature.id, "webhook-timestamp": "\(signature.timestamp)",
            "webhook-signature": signature.text,
        ]
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await client(to: address).execute(request, timeout: way.timeout)
        // The connection can be used again once the answer is read; what it says is nobody's business. One that comes drop by drop is
        // cut off, and its connection with it.
        do {
            let body = response.body
            _ = try await Deadline.within(way.bodyTimeout) {
                try await body.collect(upTo: Self.answerLimit)
            }
        } catch {
            await close()
        }
        return Self.answer(response, at: now)
    }

    private mutating func client(to address: ReceiverAddress) async -> HTTPClient {
        if let client, client.address == address { return client.http }
        await close()
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: way.tls, redirectConfiguration: .disallow,
            timeout: .init(connect: Self.connectTimeout))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        // The name stays what TLS and Host are about; the address is what was checked.
        configuration.dnsOverride = [url.host: address.description]
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        client = (address, http)
        return http
    }

    private static func answer(_ response: HTTPClientResponse, at now: Timestamp) -> Answer {
        let code = response.status.code
        switch code {
        case 200..<300: return .taken
        case 410: return .gone
        case 304: return .failed("it answered 304", retryAfter: nil)
        case 300..<400:
            return .failed("it answered \(code): redirects aren't followed", retryAfter: nil)
        default:
            let asked = response.headers.first(name: "Retry-After").flatMap {
                RetryAfter.read($0, at: now)
            }
            return .failed("it answered \(code)", retryAfter: asked)
        }
    }

    private static func isAboutAddress(_ error: any Error) -> Bool {
        error is NIOConnectionError || error is IOError
            || error as? HTTPClientError == .connectTimeout
    }

    /// In words for an admin. What isn't known here stays out: a library's own words name its files.
    private static func text(_ error: any Error) -> String {
        switch error {
        case is CancellationError: return "the registry stopped"
        case let error as HTTPClientError: return text(error)
        case let error as NIOConnectionError:
            return error.connectionErrors.first.map { text($0.error) } ?? "no connection"
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case is NIOSSLExtraError, is NIOSSLError, is BoringSSLError:
            return tlsText("\(error)")
        case is HTTPParserError: return "its answer isn't HTTP"
        default: return "it can't be spoken with"
        }
    }

    private static func text(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout: "no connection within 5 s"
        case .deadlineExceeded, .readTimeout: "no answer within 10 s"
        case .remoteConnectionClosed: "it closed the connection without an answer"
        case .tlsHandshakeTimeout: "no TLS within 5 s"
        default: "it can't be spoken with"
        }
    }

    private static func tlsText(_ words: String) -> String {
        if words.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate isn't from an authority that is trusted"
        }
        if words.contains("WRONG_VERSION_NUMBER") || words.contains("HTTP_REQUEST") {
            return "it doesn't speak TLS"
        }
        return words.contains("ostname")
            ? "its certificate is for another name" : "TLS with it failed"
    }
}

/// A time for something that may wait for ever.
enum Deadline {
    struct Passed: Error {}

    /// - Throws: `Passed`, after the body was cancelled and has ended.
    static func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw Passed() }
            return value
        }
    }
}

/// RFC 9110 §10.2.3: seconds, or a date in the one form that is still made.
enum RetryAfter {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func read(_ text: String, at now: Timestamp) -> Duration? {
        if let seconds = Int64(text) {
            return seconds >= 0 ? .seconds(min(seconds, 1_000_000)) : nil
        }
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        let date = Timestamp(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
        return date.map { max(.zero, $0.since(now)) }
    }
}
