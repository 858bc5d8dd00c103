import Foundation
import Logging
import NIOCore

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
