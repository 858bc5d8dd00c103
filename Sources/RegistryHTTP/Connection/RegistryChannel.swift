import Foundation
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Hummingbird's HTTP/1 connection with handlers on raw bytes before its parser, and one after it
/// that sees the version.
struct RegistryChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    /// Nil where nothing is answered before the parser.
    let lookups: FastLookup?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(TargetEscaper())
        }.flatMap { base.setup(channel: channel, logger: logger) }
            .flatMapThrowing { value in
                let pipeline = channel.pipeline.syncOperations
                let parser = try pipeline.handler(
                    type: ByteToMessageHandler<HTTPRequestDecoder>.self)
                try pipeline.addHandler(HTTP10RequestHandler(), position: .after(parser))
                // The last one added to the front stands foremost: what lookups pass is theirs alone.
                try pipeline.addHandler(UnwrittenResponses(), position: .first)
                if let lookups {
                    let connection = try pipeline.handler(type: ConnectionGuard.self)
                    try pipeline.addHandler(
                        lookups.handler(connection, on: channel.eventLoop), position: .first)
                }
                return value
            }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// What a client may take of a connection.
public struct ConnectionLimits: Sendable {
    /// Open connections, at most; further ones wait in the kernel's backlog.
    public var connections = 16_384
    /// Connections that the kernel keeps until they are accepted; its `somaxconn` may allow fewer.
    public var backlog = 4096
    /// Connections accepted in a row before requests on open ones have their turn again.
    public var acceptedAtOnce: UInt = 4
    /// A connection without a request closes after this. Above the 60 s for which AWS's load
    /// balancers keep theirs: the one that closes last never meets a closed connection.
    public var idle = TimeAmount.seconds(75)
    /// From a request's head to its last byte.
    public var requestArrival = TimeAmount.seconds(60)
    /// How long a client may leave an answer untaken.
    public var answerStall = TimeAmount.seconds(30)
    /// How long what a client still sends is thrown away, after an answer that ends the connection.
    public var linger = TimeAmount.seconds(2)
    /// How long a connection that has asked nothing yet stays open when the service stops: it was
    /// accepted a moment ago, and its first request is under way.
    public var firstRequest = TimeAmount.seconds(1)
    /// Bytes of all header fields together.
    public var headerBytes = 32 * 1024
    public var headerCount = 200

    public init() {}
}

/// Raised once, when the service begins to stop: every answer from then on closes its connection.
public final class DrainSignal: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public var isDraining: Bool { flag.load(ordering: .relaxed) }

    public func raise() { flag.store(true, ordering: .relaxed) }
}

/// Keeps a listener open when a connection can't be accepted for now: out of file descriptors or of
/// memory, or the client was gone before its turn. Whoever waits behind it would take such an error
/// for the end of the listener.
///
/// Accepting rests for a moment, because the connection that couldn't be accepted is still there, and
/// the loop would do nothing but try. Connections that are open go on.
final class AcceptErrors: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private static let rest = TimeAmount.milliseconds(100)

    private let logger: Logger
    private var isResting = false
    /// Whether somebody wanted to read meanwhile.
    private var isReadDue = false
    private var isTold = false

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The others end the channel.
        guard let failure = error as? IOError,
            [ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(failure.errnoCode)
        else { return context.fireErrorCaught(error) }
        if !isTold {
            isTold = true
            logger.error(
                "a connection can't be accepted for now", metadata: ["error": "\(failure)"])
        }
        guard !isResting else { return }
        isResting = true
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.rest) {
            let (handler, context) = here.value
            handler.isResting = false
            guard handler.isReadDue else { return }
            handler.isReadDue = false
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isTold = false
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        guard !isResting else {
            isReadDue = true
            return
        }
        context.read()
    }
}
