import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import RegistryAPI
import RegistryModel

/// Keeps one connection honest: a request has to arrive in time, an answer has to be taken in time,
/// what isn't HTTP gets a problem and is closed, and a draining server closes after each answer.
///
/// Stands between the HTTP codec and everything that answers. Hummingbird's own idle timeout sees
/// neither what `FastLookupHandler` answers nor a body that drips in byte by byte.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum FinalResponse {
        case say(Problem)
        /// The peer went away in the middle of a request: nobody is there to read an answer to it.
        case leave
    }

    private let limits: ConnectionLimits
    private let drain: DrainSignal
    private let position: @Sendable () -> Position?

    /// Requests whose head has come in and whose answer hasn't gone out.
    private(set) var outstanding = 0
    private(set) var isReadingBody = false
    private var hasAnswered = false
    /// Whether the body that is coming in may take its time, so long as it goes on.
    var isStreamingBody = false
    /// Whether some of the body has come since the arrival timer was set.
    private var hasBodyGrown = false
    /// Requests that have come in whole.
    private(set) var wholeRequests: UInt64 = 0
    private var isWritingAnswer = false
    /// The head of a stream without its body, which the codec would end as a chunked one.
    private var isAnsweringHead = false
    private var closesAfterAnswer = false
    /// What to do once the answers before it are out.
    private var lastWord: FinalResponse?
    /// Nothing more is written after the last word.
    private var isDone = false
    private var arrival: Scheduled<Void>?
    private var idle: Scheduled<Void>?
    /// When the last part of a request came in, or the last answer went out.
    private var lastActive = NIODeadline.now()
    private var stall: Scheduled<Void>?
    private var stop: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    /// For work that ends with its client.
    let presence = ClientPresence()

    /// - Parameter position: what answers are read at; nil before the table is loaded.
    init(
        limits: ConnectionLimits, drain: DrainSignal,
        position: @escaping @Sendable () -> Position?
    ) {
        self.limits = limits
        self.drain = drain
        self.position = position
    }

    // MARK: Idle connections

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        scheduleIdle(context, in: limits.idle)
    }

    /// One timer a connection, looked at when it fires: a lookup only notes the time.
    private func scheduleIdle(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        idle = context.eventLoop.scheduleTask(in: delay) {
            let (handler, context) = here.value
            let isBusy = handler.outstanding > 0 && !handler.isReadingBody
            let left = handler.limits.idle - (NIODeadline.now() - handler.lastActive)
            guard !isBusy else { return handler.scheduleIdle(context, in: handler.limits.idle) }
            guard left <= .zero else { return handler.scheduleIdle(context, in: left) }
            context.close(promise: nil)
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard lastWord == nil, !isDone else { return }
        lastActive = .now()
        switch unwrapInboundIn(data) {
        case .head(let head):
            outstanding += 1
            isReadingBody = true
            isStreamingBody = false
            // After an upgrade or CONNECT NIO's parser takes no further request.
            if head.method == .connect || head.headerFields.hasToken("close", in: .connection)
                || head.headerFields.hasToken("upgrade", in: .connection)
            {
                closesAfterAnswer = true
            }
            if outstanding == 1, head.headerFields.hasToken("100-continue", in: .expect) {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body:
            hasBodyGrown = true
        case .end:
            isReadingBody = false
            wholeRequests &+= 1
            arrival?.cancel()
            arrival = nil
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { presence.closeHalf() }
        if event is ChannelShouldQuiesceEvent, !hasAnswered { return scheduleStop(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Whoever closed the connection at once would reset it under a request that is under way.
    private func scheduleStop(_ context: ChannelHandlerContext) {
        let here = NIOLoopBound(self, eventLoop: context.eventLoop)
        stop = context.eventLoop.scheduleTask(in: limits.firstRequest) {
            here.value.context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        presence.leave()
        // Who reads a body takes the end of the connection for the body's unless it's told.
        if isReadingBody { context.fireErrorCaught(ConnectionEnded()) }
        context.fireChannelInactive()
    }

    /// Most requests are whole in one read, and need no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isReadingBody, arrival == nil, lastWord == nil, !isDone { scheduleArrival(context) }
        context.fireChannelReadComplete()
    }

    private func scheduleArrival(_ context: ChannelHandlerContext) {
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        hasBodyGrown = false
        arrival = context.eventLoop.scheduleTask(in: limits.requestArrival) {
            let (handler, context) = here.value
            handler.arrival = nil
            guard handler.isReadingBody else { return }
            guard !handler.isStreamingBody || !handler.hasBodyGrown else {
                return handler.scheduleArrival(context)
            }
            handler.end(context, .say(.requestTimeout), ConnectionEnded())
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: end(context, .say(.headersTooLarge), error)
        case HTTPParserError.invalidEOFState: end(context, .leave, error)
        case is ChannelError, is IOError: leave(context, error)
        default: end(context, .say(.badHTTP), error)
        }
    }

    /// Ends the connection, after the answers before.
    private func end(_ context: ChannelHandlerContext, _ word: FinalResponse, _ error: any Error) {
        guard lastWord == nil, !isDone else { return }
        // A request that is cut short counts as outstanding, but its handler can't answer it.
        let before = outstanding - (isReadingBody ? 1 : 0)
        // An answer that is made from the body can't be finished, and must not look as if it were.
        if before == 0, isWritingAnswer, isStreamingBody { return leave(context, error) }
        guard before > 0 || isWritingAnswer else { return endNow(context, word, error) }
        lastWord = word
    }

    private func endNow(_ context: ChannelHandlerContext, _ word: FinalResponse, _ error: any Error)
    {
        switch word {
        case .say(let problem):
            write(problem, context)
            context.fireErrorCaught(error)
        case .leave: leave(context, error)
        }
    }

    private func leave(_ context: ChannelHandlerContext, _ error: any Error) {
        guard !isDone else { return }
        isDone = true
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isDone else {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            guard head.status.kind != .informational else { break }
            isWritingAnswer = true
            isAnsweringHead = head.headerFields.contains(.transferEncoding)
            if head.headerFields.hasToken("close", in: .connection) { closesAfterAnswer = true }
            if drain.isDraining { closesAfterAnswer = true }
            if closesAfterAnswer, outstanding <= 1 { head.headerFields[.connection] = "close" }
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            break
        case .end:
            isWritingAnswer = false
            hasAnswered = true
            outstanding -= 1
            lastActive = .now()
            if isAnsweringHead {
                context.flush()
                promise?.succeed()
            } else {
                context.write(data, promise: promise)
            }
            return afterAnswer(context)
        }
        context.write(data, promise: promise)
    }

    private func afterAnswer(_ context: ChannelHandlerContext) {
        if let lastWord, outstanding - (isReadingBody ? 1 : 0) <= 0 {
            self.lastWord = nil
            endNow(context, lastWord, ConnectionEnded())
        } else if closesAfterAnswer, outstanding <= 0 {
            finish(context)
        }
    }

    private func write(_ problem: Problem, _ context: ChannelHandlerContext) {
        let id = RequestID.random()
        let body = problem.body(instance: nil, requestID: id.text)
        var fields = HTTPFields()
        fields[.contentType] = Problem.contentType
        fields[.contentLength] = String(body.count)
        fields[.connection] = "close"
        fields[.xRequestID] = id.text
        fields[.xRegistryRevision] = position()?.description
        context.write(
            wrapOutboundOut(.head(HTTPResponse(status: problem.status, headerFields: fields))),
            promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
    }

    /// Closes our half first, once everything is written: closing both at once while the client
    /// still sends would reset the connection and take the answer with it.
    private func finish(_ context: ChannelHandlerContext) {
        isDone = true
        arrival?.cancel()
        let channel = context.channel
        let linger = isReadingBody ? limits.linger : .milliseconds(0)
        context.flush()
        context.close(mode: .output).whenComplete { _ in
            channel.eventLoop.scheduleTask(in: linger) { channel.close(promise: nil) }
        }
    }

    // MARK: Answers before the parser

    /// Whether nothing is under way here, so that a request which comes now may be answered before
    /// the parser has seen it.
    var isAtRest: Bool {
        outstanding == 0 && !isReadingBody && !closesAfterAnswer && lastWord == nil && !isDone
    }

    func noteFastPathResponse(at now: NIODeadline) {
        hasAnswered = true
        lastActive = now
    }

    func closeAfterFastPathResponse() {
        guard let context else { return }
        finish(context)
    }

    // MARK: Readers that don't read

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stall?.cancel()
            stall = nil
        } else if stall == nil {
            let channel = context.channel
            stall = context.eventLoop.scheduleTask(in: limits.answerStall) {
                channel.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        presence.leave()
        self.context = nil
        idle?.cancel()
        arrival?.cancel()
        stall?.cancel()
        stop?.cancel()
    }
}

/// Why a connection's handler is woken when the guard has spoken for it.
struct ConnectionEnded: Error {}
