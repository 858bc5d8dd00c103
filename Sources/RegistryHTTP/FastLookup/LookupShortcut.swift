import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTPTypes

/// Answers lookups on the event loop that read them: no task, no hop to another thread.
///
/// One set of rules, two paths: it runs the same `EndpointRunner`s as the router does, those parts of
/// them that need no wait, and hands on every request that it doesn't fully understand, untouched.
/// It never overtakes: while an earlier request of the connection is with the router, everything
/// goes there.
final class LookupShortcut: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let lookups: ShortcutLookups
    /// Requests that the router has and hasn't answered.
    private var outstanding = 0
    /// A head that may be answered here, once it's sure that no body follows.
    private var held: HTTPRequest?

    init(_ lookups: ShortcutLookups) {
        self.lookups = lookups
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            // A client that doesn't take its answers is the router's, which stops reading from it.
            if outstanding == 0, context.channel.isWritable, ShortcutLookups.mayTake(head) {
                held = head
            } else {
                outstanding += 1
                context.fireChannelRead(data)
            }
        case .body:
            release(context)
            context.fireChannelRead(data)
        case .end(let trailers):
            if trailers == nil, let head = held, let response = lookups.answer(head) {
                held = nil
                write(response, context)
            } else {
                release(context)
                context.fireChannelRead(data)
            }
        }
    }

    /// Hands the held head on to the router.
    private func release(_ context: ChannelHandlerContext) {
        guard let head = held else { return }
        held = nil
        outstanding += 1
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        release(context)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        held = nil
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { outstanding -= 1 }
        context.write(data, promise: promise)
    }

    private func write(_ answer: FinishedReply, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        if !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// The endpoints that the shortcut knows, and how it finds them.
struct ShortcutLookups: Sendable {
    private static let domainPrefix = "/v1/domains/"
    private static let routePrefix = "/v1/route?"

    private let domainGet: EndpointRunner
    private let domainHead: EndpointRunner
    private let routeGet: EndpointRunner
    private let routeHead: EndpointRunner
    private let date = DateField()
    private let logger: Logger

    /// - Returns: nil where the endpoints aren't among `endpoints`: health alone has no lookups.
    init?(
        _ endpoints: [Endpoint], logger: Logger,
        runner: (Endpoint, HTTPRequest.Method) -> EndpointRunner
    ) {
        guard
            let domain = endpoints.first(where: {
                $0.path == "/v1/domains/{fqdn}" && $0.quick != nil
            }),
            let route = endpoints.first(where: { $0.path == "/v1/route" && $0.quick != nil })
        else { return nil }
        domainGet = runner(domain, .get)
        domainHead = runner(domain, .head)
        routeGet = runner(route, .get)
        routeHead = runner(route, .head)
        self.logger = logger
    }

    /// Whether the path is one of ours, and the fields announce nothing that takes a wait.
    static func mayTake(_ head: HTTPRequest) -> Bool {
        guard head.method == .get || head.method == .head, let target = head.path,
            target.hasPrefix(domainPrefix) || target.hasPrefix(routePrefix)
        else { return false }
        let fields = head.headerFields
        return !fields.contains(.contentLength) && !fields.contains(.transferEncoding)
            && !fields.contains(.expect) && !fields.contains(.upgrade)
    }

    /// - Returns: nil where the router has to answer.
    func answer(_ head: HTTPRequest) -> FinishedReply? {
        guard let target = head.path else { return nil }
        let isHead = head.method == .head
        var reply: FinishedReply?
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        if target.hasPrefix(Self.routePrefix) {
            reply = (isHead ? routeHead : routeGet).respondNow(to: request, .none, logger)
        } else {
            let name = target.dropFirst(Self.domainPrefix.count)
            guard Self.isPlainName(name) else { return nil }
            reply = (isHead ? domainHead : domainGet).respondNow(to: request, .fqdn(name), logger)
        }
        reply?.head.headerFields[.date] = date.now
        return reply
    }

    /// Letters, digits, dots and hyphens: nothing to decode, no deeper path, no query. `batch` is a
    /// path of its own.
    private static func isPlainName(_ name: Substring) -> Bool {
        let isPlain = name.utf8.allSatisfy { octet in
            switch octet {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x2D, 0x2E: true
            default: false
            }
        }
        return isPlain && !name.isEmpty && name != "batch"
    }
}
