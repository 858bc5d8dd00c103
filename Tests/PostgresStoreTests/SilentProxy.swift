import NIOCore
import NIOPosix
import Synchronization

/// A way to PostgreSQL on which packets are lost: who is on it, or comes to it, hears nothing more, and no
/// connection ends. Or one on which the server's answers alone are lost, on the connection that asks next.
final class SilentProxy: Sendable {
    let port: Int
    private let channel: any Channel
    private let way: Way

    static func start(before port: Int) async throws -> SilentProxy {
        let way = Way()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                // Whoever comes while nothing gets through is connected, and never heard.
                guard way.isOpen else { return client.eventLoop.makeSucceededVoidFuture() }
                let wire = Wire(way)
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                Passing(to: client, wire, asks: false))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMap { server in
                        client.eventLoop.makeCompletedFuture {
                            try client.pipeline.syncOperations.addHandler(
                                Passing(to: server, wire, asks: true))
                        }.flatMap { client.setOption(.autoRead, value: true) }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SilentProxy(channel: channel, way: way)
    }

    private init(channel: any Channel, way: Way) {
        self.channel = channel
        port = channel.localAddress?.port ?? 0
        self.way = way
    }

    deinit { channel.close(promise: nil) }

    /// Nothing gets through any more, on any connection.
    func fallSilent() { way.close() }

    /// New connections get through; the old ones stay as they are.
    func open() { way.open() }

    /// The answers to the next statement that contains the text are lost, and all on its connection after.
    func loseAnswers(to text: String) { way.loseAnswers(to: Array(text.utf8)) }

    var hasLost: Bool { way.hasLost }
}

private final class Way: Sendable {
    private struct State {
        var isOpen = true
        var generation = 0
        var text: [UInt8]?
        var hasLost = false
    }

    private let state = Mutex(State())

    func close() {
        state.withLock {
            $0.isOpen = false
            $0.generation += 1
        }
    }

    func open() { state.withLock { $0.isOpen = true } }

    func loseAnswers(to text: [UInt8]) { state.withLock { $0.text = text } }

    var isOpen: Bool { state.withLock(\.isOpen) }
    var generation: Int { state.withLock(\.generation) }
    var hasLost: Bool { state.withLock(\.hasLost) }

    /// - Returns: whether the answers to this are to be lost.
    func meets(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            guard let text = state.text, bytes.count >= text.count,
                (0...bytes.count - text.count).contains(where: {
                    bytes[$0..<$0 + text.count].elementsEqual(text)
                })
            else { return false }
            state.text = nil
            state.hasLost = true
            return true
        }
    }
}

/// One connection's place on the way. Both its ends are on one event loop.
private final class Wire: @unchecked Sendable {
    let way: Way
    private let generation: Int
    var losesAnswers = false

    init(_ way: Way) {
        self.way = way
        generation = way.generation
    }

    var isSilent: Bool { way.generation != generation }
}

private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let wire: Wire
    private let asks: Bool

    init(to other: any Channel, _ wire: Wire, asks: Bool) {
        self.other = other
        self.wire = wire
        self.asks = asks
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !wire.isSilent, asks || !wire.losesAnswers else { return }
        if asks, wire.way.meets(Array(buffer.readableBytesView)) { wire.losesAnswers = true }
        other.writeAndFlush(buffer, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Where packets are lost, so is the one that says goodbye.
        if !wire.isSilent { other.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
