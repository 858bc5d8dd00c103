import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

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
