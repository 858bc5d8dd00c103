import NIOCore
import NIOPosix
import Synchronization

/// A proxy in front of PostgreSQL that, when it's told to, passes some more of the client's messages on
/// and then cuts the connection: whatever the server makes of the last one, nobody hears of it. Or it
/// passes nothing more on, as if the client had stopped.
final class CuttingProxy: Sendable {
    let port: Int
    private let channel: any Channel
    private let scissors: Scissors

    static func start(before port: Int) async throws -> CuttingProxy {
        let scissors = Scissors()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(Answers(to: client))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMap { server in
                        client.eventLoop.makeCompletedFuture {
                            try client.pipeline.syncOperations.addHandler(
                                Questions(to: server, scissors))
                        }.flatMap { client.setOption(.autoRead, value: true) }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CuttingProxy(channel: channel, scissors: scissors)
    }

    private init(channel: any Channel, scissors: Scissors) {
        self.channel = channel
        port = channel.localAddress?.port ?? 0
        self.scissors = scissors
    }

    deinit { channel.close(promise: nil) }

    /// Cuts once, after so many more messages.
    func cut(after messages: Int) { scissors.set(messages) }

    /// Stops one connection, once, after so many more requests for an answer.
    func stall(afterSyncs count: Int) { scissors.set(count, isStall: true) }

    /// Whether the cut, or the stop, hasn't been made.
    var isWaiting: Bool { scissors.isSet }

    func rest() { scissors.set(nil) }
}

private final class Scissors: Sendable {
    private struct State {
        var left: Int?
        var isStall = false
    }

    private let state = Mutex(State())

    func set(_ messages: Int?, isStall: Bool = false) {
        state.withLock { $0 = State(left: messages, isStall: isStall) }
    }

    var isSet: Bool { state.withLock { $0.left != nil } }

    /// - Returns: whether to cut before a message.
    func cuts() -> Bool {
        state.withLock { state in
            guard !state.isStall, let count = state.left else { return false }
            state.left = count == 0 ? nil : count - 1
            return count == 0
        }
    }

    /// - Returns: whether to pass on nothing after a message.
    func stalls(after message: ByteBuffer) -> Bool {
        let isSync = message.getInteger(at: message.readerIndex) == UInt8(ascii: "S")
        return state.withLock { state in
            guard state.isStall, isSync, let count = state.left else { return false }
            state.left = count == 1 ? nil : count - 1
            return count == 1
        }
    }
}

/// From client to server, message by message.
private final class Questions: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: any Channel
    private let scissors: Scissors
    private var buffer = ByteBuffer()
    private var hasStarted = false
    /// Nothing more is passed on.
    private var isCut = false

    init(to server: any Channel, _ scissors: Scissors) {
        self.server = server
        self.scissors = scissors
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        buffer.writeBuffer(&part)
        while !isCut, let message = next() {
            if scissors.cuts() {
                isCut = true
                server.close(promise: nil)
                context.close(promise: nil)
            } else {
                isCut = scissors.stalls(after: message)
                server.writeAndFlush(message, promise: nil)
            }
        }
    }

    /// The first message has no type before its length.
    private func next() -> ByteBuffer? {
        let offset = hasStarted ? 1 : 0
        guard
            let length = buffer.getInteger(at: buffer.readerIndex + offset, as: Int32.self),
            let message = buffer.readSlice(length: offset + Int(length))
        else { return nil }
        hasStarted = true
        return message
    }

    func channelInactive(context: ChannelHandlerContext) { server.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// From server to client, as they come.
private final class Answers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: any Channel

    init(to client: any Channel) {
        self.client = client
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
