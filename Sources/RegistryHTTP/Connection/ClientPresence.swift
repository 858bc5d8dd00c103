import AsyncWaiting
import NIOCore
import Synchronization

/// Whether the client of a connection is still there, for work that would go on without it.
///
/// One that has closed its half may wait for its answer or be gone: there is no telling. It has
/// `halfClosed` more; one whose connection is gone has nothing.
final class ClientPresence: Sendable {
    /// The client has closed its half, or is gone.
    private let hasEnded = Latch()
    private let isGone = Latch()

    /// What a client that has closed its half still gets: the time of any short read.
    static let halfClosed = Duration.seconds(1)

    /// How long a long answer to one that has closed its half may have nothing to say.
    static let silent = Duration.seconds(10)

    func closeHalf() { hasEnded.raise() }

    func leave() {
        isGone.raise()
        hasEnded.raise()
    }

    /// Returns when the client is gone, or the task is cancelled.
    func gone() async {
        guard await hasEnded.wait() else { return }
        await isGone.wait(within: Self.halfClosed)
    }

    /// Whether a long answer still has somebody to go to.
    ///
    /// - Parameter lastSent: when something of it was written last: a client that is gone without a word
    ///   shows then.
    func isThere(lastSent: ContinuousClock.Instant) -> Bool {
        guard !isGone.isRaised else { return false }
        return !hasEnded.isRaised || lastSent.duration(to: .now) < Self.silent
    }

    /// Cancels `body` when the client goes.
    static func whileThere<Value: Sendable>(
        on channel: any Channel, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await of(channel)?.gone()
                return nil
            }
            while let value = try await group.next() {
                group.cancelAll()
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// When something of a long answer was written last.
    final class LastWrite: Sendable {
        private let last = Mutex(ContinuousClock.now)

        var time: ContinuousClock.Instant { last.withLock { $0 } }
        func note() { last.withLock { $0 = .now } }
    }

    static func of(_ channel: any Channel) async -> ClientPresence? {
        try? await channel.eventLoop.submit {
            try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).presence
        }.get()
    }
}

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
