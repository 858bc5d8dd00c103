import NIOCore

/// Answers lookups before the HTTP parser sees them, and hands every other byte on, untouched and in
/// order.
///
/// It never overtakes. A request is answered here only where the guard behind the parser has nothing
/// under way, and where the parser is known to be between two requests: what it was given last ended
/// with an empty line, and the end of a request came out of it. (Nothing that begins a request holds
/// an empty line, but the head that it ends.) After anything else, such as a body, one more request
/// goes the long way, and then this knows again.
final class FastLookupHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let lookups: FastLookup
    private let connection: ConnectionGuard
    private let scratch: EventLoopScratch
    private var memo = ConnectionMemo()
    /// Whether what comes next begins a request, as far as the parser knows too.
    private var isBetweenRequests = true
    private var handedOn: UInt64 = 0
    /// Whether anybody else has to hear that this read is complete.
    private var hasHandedOn = false
    /// Whether something was answered since the last read was complete.
    private var hasAnswered = false

    init(_ lookups: FastLookup, _ connection: ConnectionGuard, _ scratch: EventLoopScratch) {
        self.lookups = lookups
        self.connection = connection
        self.scratch = scratch
    }

    /// Bytes of answers that are gathered before they are written: as many as a client that doesn't
    /// read may make us keep.
    private static let batch = 32 * 1024

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        var now = NIODeadline.now()
        while isBetweenRequests, connection.isAtRest, context.channel.isWritable {
            let taken = answer(&buffer, &now)
            guard taken.bytes > 0 else { break }
            hasAnswered = true
            connection.noteFastPathResponse(at: now)
            context.writeAndFlush(wrapOutboundOut(scratch.answers), promise: nil)
            if taken.isLast { return connection.closeAfterFastPathResponse() }
            if buffer.readableBytes == 0 { return }
        }
        handOn(buffer, context)
    }

    /// Answers as many requests at the buffer's beginning as it can, into the scratch.
    private func answer(
        _ buffer: inout ByteBuffer, _ now: inout NIODeadline
    ) -> (bytes: Int, isLast: Bool) {
        scratch.answers.clear()
        var taken = 0
        var isLast = false
        buffer.withUnsafeReadableBytes { bytes in
            while taken < bytes.count, scratch.answers.readableBytes < Self.batch, !isLast {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
                guard let answer = lookups.answer(rest, &memo, scratch, began: now) else { break }
                taken &+= answer.length
                isLast = answer.isLast
                now = answer.end
            }
        }
        buffer.moveReaderIndex(forwardBy: taken)
        return (taken, isLast)
    }

    private func handOn(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        let endsWithEmptyLine = buffer.readableBytesView.suffix(4).elementsEqual("\r\n\r\n".utf8)
        handedOn &+= 1
        let mine = handedOn
        let wholeBefore = connection.wholeRequests
        isBetweenRequests = false
        hasHandedOn = true
        context.fireChannelRead(wrapInboundOut(buffer))
        // Unless more was handed on meanwhile, from within.
        isBetweenRequests =
            handedOn == mine && endsWithEmptyLine && connection.wholeRequests != wholeBefore
            && !connection.isReadingBody
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        defer {
            hasHandedOn = false
            hasAnswered = false
        }
        guard hasHandedOn else {
            // Asks for more straight away. The channel would ask by itself, but through every handler
            // of the pipeline: none of them has anything to hold back, for none has got anything.
            if hasAnswered { context.read() }
            return
        }
        context.fireChannelReadComplete()
    }
}
