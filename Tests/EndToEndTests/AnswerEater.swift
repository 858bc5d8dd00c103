import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A proxy that passes requests on, and loses the first answer to each path that ends in one of some
/// words: the write has happened, and nobody hears of it.
final class AnswerEater: Sendable {
    let url: URL
    private let channel: any Channel

    static func start(before server: URL, eats words: [String]) async throws -> AnswerEater {
        let left = Mutex(Set(words))
        let isEaten = { @Sendable (path: String) in
            left.withLock { left in
                guard let word = left.first(where: { path.hasSuffix($0) }) else { return false }
                left.remove(word)
                return true
            }
        }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(
                        PassingOn(to: server, isEaten: isEaten))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return AnswerEater(channel: channel)
    }

    private init(channel: any Channel) {
        self.channel = channel
        url = URL(string: "http://127.0.0.1:\(channel.localAddress?.port ?? 0)")!
    }

    deinit { channel.close(promise: nil) }
}

private final class PassingOn: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: URL
    private let isEaten: @Sendable (String) -> Bool
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(to server: URL, isEaten: @escaping @Sendable (String) -> Bool) {
        self.server = server
        self.isEaten = isEaten
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end: passOn(context)
        }
    }

    /// On the event loops alone: the pool of tasks may be busy with other tests.
    private func passOn(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let (channel, isEaten) = (context.channel, isEaten)
        let path = String(head.uri.prefix { $0 != "?" })
        guard
            let request = try? HTTPClient.Request(
                url: server.absoluteString + head.uri, method: head.method, headers: head.headers,
                body: .byteBuffer(body))
        else { return channel.close(promise: nil) }
        let answer = ServerProcess.http.execute(
            request: request, eventLoop: .delegate(on: context.eventLoop),
            deadline: .now() + .seconds(20))
        answer.whenComplete { result in
            guard case .success(let response) = result, !isEaten(path) else {
                return channel.close(promise: nil)
            }
            let body = response.body ?? ByteBuffer()
            var headers = response.headers
            headers.remove(name: "Transfer-Encoding")
            headers.replaceOrAdd(name: "Content-Length", value: "\(body.readableBytes)")
            let head = HTTPResponseHead(
                version: .http1_1, status: response.status, headers: headers)
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
    }
}
