import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A connection on which a test sends exactly the bytes that it wants, for what no client would.
struct RawConnection {
    struct Ended: Error {}

    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received: [UInt8] = []

    fileprivate init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Closes our half.
    func finish() {
        outbound.finish()
    }

    /// Reads one answer.
    mutating func answer(toHead isHead: Bool = false) async throws -> Answer {
        while true {
            if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
                received.removeSubrange(..<end.upperBound)
                return try await answer(head, isHead: isHead)
            }
            guard try await receive() else { throw Ended() }
        }
    }

    private mutating func answer(_ head: String, isHead: Bool) async throws -> Answer {
        let lines = head.split(separator: "\r\n")
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var answer = Answer(status: status, headers: HTTPHeaders(), bytes: [])
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != ":" }
            let value = line.dropFirst(name.count + 1).drop { $0 == " " }
            answer.headers.add(name: String(name), value: String(value))
        }
        guard !isHead, status >= 200, status != 204, status != 304 else { return answer }
        let length = answer.header("Content-Length").flatMap { Int($0) } ?? Int.max
        while received.count < length, try await receive() {}
        answer.bytes = Array(received.prefix(length))
        received.removeFirst(answer.bytes.count)
        return answer
    }

    /// Waits for bytes, and reads no more than come at once.
    mutating func next() async throws -> [UInt8] {
        guard try await receive() else { throw Ended() }
        defer { received = [] }
        return received
    }

    /// Reads until the server closes.
    mutating func rest() async throws -> [UInt8] {
        while try await receive() {}
        return received
    }

    /// - Returns: false at the end. A connection that was reset has ended too.
    private mutating func receive() async throws -> Bool {
        do {
            guard let buffer = try await inbound.next() else { return false }
            buffer.withUnsafeReadableBytes { received.append(contentsOf: $0) }
            return true
        } catch is IOError {
            return false
        }
    }
}

/// - Parameter receiveBuffer: bytes that the kernel keeps for a client that doesn't read, at most.
func withConnection<Result>(
    to port: Int, receiveBuffer: Int = 1 << 20,
    _ body: (inout RawConnection) async throws -> Result
) async throws -> Result {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .channelOption(.socketOption(.so_rcvbuf), value: receiveBuffer)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var connection = RawConnection(inbound, outbound)
        return try await body(&connection)
    }
}

extension RunningRegistry {
    func connected<Result>(
        _ body: (inout RawConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection(to: port, body)
    }

    /// Sends one request as it is, with a token, and reads its answer.
    func raw(
        _ method: String, _ target: String, host: [String] = ["localhost"],
        headers: [(String, String)] = [], body: String = "", as sender: Sender = .role(.reader),
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        var lines = ["\(method) \(target) HTTP/1.1"] + host.map { "Host: \($0)" }
        switch sender {
        case .role(let role): lines.append("Authorization: Bearer \(token(role))")
        case .nobody: break
        case .authorization(let text): lines.append("Authorization: \(text)")
        }
        lines += headers.map { "\($0.0): \($0.1)" }
        if !body.isEmpty { lines.append("Content-Length: \(body.utf8.count)") }
        let text = (lines + ["", body]).joined(separator: "\r\n")
        return try await connected { connection in
            try await connection.send(text)
            let answer = try await connection.answer(toHead: method == "HEAD")
            ContractCheck.check(answer, to: method, target, at: place)
            return answer
        }
    }
}

/// Comes back once a server with one event loop has read all that was sent to it before: it answers
/// here for the second time, so it has been round once since.
func settle(_ port: Int) async throws {
    try await withConnection(to: port) { connection in
        for _ in 0..<2 {
            try await connection.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await connection.answer()
        }
    }
}

/// Runs a registry whose connections share one event loop, for `settle`.
func withOneLoop(
    _ settings: RegistrySettings = RegistrySettings(),
    _ body: (RunningRegistry) async throws -> Void
) async throws {
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var settings = settings
    settings.eventLoops = loops
    let result = await Result { try await withRegistry(settings, body) }
    try await loops.shutdownGracefully()
    try result.get()
}
