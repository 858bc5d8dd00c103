import NIOCore

/// Keeps answers that the kernel hasn't taken yet from being thrown away at the end of a connection.
///
/// NIO closes at once, with all that is still to be written, when our half is closed after the
/// client's; and Hummingbird closes when it hears that a client without a request under way has
/// closed its half. Both wait here until everything before has been written. A client that takes
/// nothing is `ConnectionGuard`'s to cut off.
final class UnwrittenResponses: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var isInputClosed = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        afterWriting(context) { $0.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isInputClosed, case .output = mode else {
            return context.close(mode: mode, promise: promise)
        }
        afterWriting(context) { $0.close(mode: .output, promise: promise) }
    }

    private func afterWriting(
        _ context: ChannelHandlerContext, _ next: @escaping (ChannelHandlerContext) -> Void
    ) {
        let here = NIOLoopBound((context, next), eventLoop: context.eventLoop)
        // Empty, and so only a place in the line.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            let (context, next) = here.value
            next(context)
        }
    }
}
