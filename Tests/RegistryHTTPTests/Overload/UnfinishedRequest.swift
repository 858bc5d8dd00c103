import Foundation
import NIOCore
import NIOPosix
import Testing

/// A request on a connection of its own, whose body is still to come.
struct UnfinishedRequest {
    private let channel: any Channel

    /// - Parameter length: nil for a body in chunks.
    init(
        _ registry: RunningRegistry, _ target: String, length: Int?, sent: String = ""
    ) async throws {
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: registry.port).get()
        let body = length.map { "Content-Length: \($0)" } ?? "Transfer-Encoding: chunked"
        let head =
            "POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            + "Authorization: Bearer \(registry.token(.admin))\r\n\(body)\r\n\r\n"
        try await send(head + sent)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Leaves, as a client that has crashed.
    func abort() async throws {
        let socket = try #require(channel as? any SocketOptionProvider)
        try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close().get()
    }

    func close() async throws { try await channel.close().get() }
}

/// Asks again and again, for what nobody tells.
func poll(_ what: String, _ probe: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if try await probe() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw NeverHappened(what: what)
}

struct NeverHappened: Error {
    let what: String
}
