import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Serves a listening socket that was open before this process was: the service manager kept it.
///
/// Hummingbird's own server opens the socket that it serves, and can't be given one. So this does the same on one that is
/// there: connections within the limit, and at a graceful stop no further ones, while requests under way finish. What
/// waits in the socket's queue meanwhile is the next process'.
struct InheritedServer<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let socket: NIOBSDSocket.Handle
    let responder: Responder
    /// What each connection is, with a responder in it.
    let connection: @Sendable (@escaping HTTPChannelHandler.Responder) -> RegistryChannel
    let limits: ConnectionLimits
    let eventLoops: any EventLoopGroup
    let onServerRunning: @Sendable (any Channel) async -> Void
    let logger: Logger

    func run() async throws {
        let connection = connection(respond)
        let quiescing = ServerQuiescingHelper(group: eventLoops)
        let listener = try await ServerBootstrap(group: eventLoops)
            .serverChannelInitializer { [limits, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        AvailableConnectionsChannelHandler(
                            delegate: MaximumAvailableConnections(
                                limits.connections, logger: logger)))
                    try pipeline.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(socket) { [logger] in connection.setup(channel: $0, logger: logger) }
        await withGracefulShutdownHandler {
            await onServerRunning(listener.channel)
            await serve(listener, connection)
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: nil)
        }
    }

    private func serve(
        _ listener: NIOAsyncChannel<RegistryChannel.Value, Never>, _ connection: RegistryChannel
    ) async {
        await withDiscardingTaskGroup { tasks in
            do {
                try await listener.executeThenClose { accepted in
                    for try await value in accepted {
                        tasks.addTask { [logger] in
                            await connection.handle(value: value, logger: logger)
                        }
                    }
                }
            } catch {
                logger.error("the listener has failed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel
    ) async throws {
        let context = Responder.Context(
            source: ApplicationRequestContextSource(channel: channel, logger: logger))
        var response = try await responder.respond(to: request, context: context)
        var date = DateField()
        date.update()
        response.headers[.date] = String(decoding: date.bytes, as: UTF8.self)
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch is HTTPParserError {
            // Thrown on, it would be answered as a bad request, in the middle of an answer.
            throw ChannelError.inputClosed
        }
    }
}
