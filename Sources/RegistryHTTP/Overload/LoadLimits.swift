import Hummingbird
import NIOCore

/// How much work the service takes on at once. What is beyond is refused at once, with 503 and
/// `Retry-After`, so that what was taken on ends soon; lookups have no such bound.
public struct LoadLimits: Sendable {
    /// Writes under way at most; as many reads of the store; and as many that wait for a revision.
    public var requests = 1024
    /// Answers of any size that are being sent, at most.
    public var streams = 64
    /// Lists that are held against the table at the same time, at most: each marks every name that there is.
    public var comparisons = 4
    /// Bytes of large request bodies in memory at once, all requests together.
    public var bodyBytes = 256 << 20
    /// Bytes of each body that don't count: the number of requests bounds those. So a signup is never
    /// refused for the sake of somebody's large batches.
    public var uncountedBodyBytes = 64 << 10

    public init() {}

    /// Bytes.
    var largestBody: Int { bodyBytes + uncountedBodyBytes }
}

/// Which bound a request counts against.
enum LoadClass: String, Sendable, CaseIterable {
    /// None but that of connections: answered from memory, or waiting without holding anything.
    case light
    /// Asks the store.
    case read
    /// Changes something.
    case write
    /// Sends an answer of any size.
    case stream
    /// Holds a list against the table.
    case comparison
    /// Waits for a revision to come, or for agents to have one: it holds nothing that others need.
    case wait
}

extension EndpointRunner {
    /// Before the body is read. A client that goes on sending a large one isn't worth listening to.
    func admit(_ request: Request) throws -> Permit {
        do throws(Problem) {
            return try admission.admit(loadClass(of: request))
        } catch {
            throw isShort(request) ? error : error.with(.connection, "close")
        }
    }

    /// What a dry run asks for is read, and ends with its client, though the endpoint is a write's.
    func isDryRun(_ request: Request) -> Bool {
        guard endpoint.declaration.query.contains("dry_run") else { return false }
        return Query(target: request.head.path ?? "").values("dry_run").first == "true"
    }

    func loadClass(of request: Request) -> LoadClass {
        isDryRun(request) ? .read : endpoint.loadClass
    }

    /// Whether what comes of the body can be thrown away for less than a new connection costs.
    func isShort(_ request: Request) -> Bool {
        guard request.headers[.transferEncoding] == nil else { return false }
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        return length <= admission.limits.uncountedBodyBytes
    }

    /// - Parameter limit: bytes.
    func readBody(_ request: Request, limit: Int, _ permit: Permit) async throws -> [UInt8] {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        // What could never be held isn't worth coming back with.
        let limit = min(limit, admission.limits.largestBody)
        if let length, length > limit { throw Problem.bodyTooLarge(limit: limit) }
        let hasBody = (length ?? 0) > 0 || request.headers[.transferEncoding] != nil
        guard hasBody else { return [] }
        guard ContentNegotiation.isJSON(request.headers, alsoMergePatch: request.method == .patch)
        else {
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type",
                "send application/json in UTF-8, not compressed")
        }
        var body: [UInt8] = []
        try hold(length ?? 0, permit)
        body.reserveCapacity(length ?? 0)
        for try await part in request.body {
            let size = body.count + part.readableBytes
            guard size <= limit else { throw Problem.bodyTooLarge(limit: limit) }
            try hold(size, permit)
            body.append(contentsOf: part.readableBytesView)
        }
        return body
    }

    private func hold(_ bytes: Int, _ permit: Permit) throws {
        do throws(Problem) {
            try permit.hold(bodyBytes: bytes)
        } catch {
            throw error.with(.connection, "close")
        }
    }
}

extension ConnectionGuard {
    /// From now on the body of the request under way may take longer to arrive than other requests: its handler
    /// reads it as it comes, and holds nothing of it.
    static func takeBodyAsItComes(on channel: any Channel) async {
        // Where it's gone, so is the connection: who reads the body is told.
        try? await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
            // Otherwise it has come whole, and the one behind it is coming in.
            if handler.outstanding == 1 { handler.isStreamingBody = handler.isReadingBody }
        }.get()
    }
}

extension Problem {
    static func overloaded(_ why: String) -> Problem {
        Problem(.serviceUnavailable, "overloaded", "\(why); nothing was done").with(
            .retryAfter, "1")
    }
}
