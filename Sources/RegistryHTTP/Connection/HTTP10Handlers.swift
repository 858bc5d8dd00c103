import NIOCore
import NIOHTTP1

/// Makes a client of HTTP/1.0 say what it means: without `keep-alive` it reads its answer to the end
/// of the connection. The version is lost on the way to the guard, which closes.
final class HTTP10RequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private var isKnown = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version != .http1_1 else {
            return context.fireChannelRead(data)
        }
        if !isKnown {
            isKnown = true
            // In the way of these clients' answers only.
            try? context.pipeline.syncOperations.addHandler(
                HTTP10StreamHandler(), position: .after(self))
        }
        if !head.isKeepAlive {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}

/// Sends streams to clients of HTTP/1.0: they know no chunks (RFC 9112 §6.1), so that the end of the
/// connection is the end of the body.
final class HTTP10StreamHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var isStream = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isStream =
                head.status.mayHaveResponseBody && !head.headers.contains(name: "Content-Length")
            guard isStream else { break }
            head.version = .http1_0
            head.headers.remove(name: "Transfer-Encoding")
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: break
        case .end:
            guard isStream else { break }
            let done = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            done.futureResult.whenComplete { _ in channel.close(promise: nil) }
            return context.write(data, promise: done)
        }
        context.write(data, promise: promise)
    }
}
