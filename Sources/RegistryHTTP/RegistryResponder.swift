import Hummingbird
import NIOCore
import RegistryService

/// What Hummingbird carries along with a request: of ours, the connection that it came by.
public struct RegistryRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    let channel: any Channel

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What a path that nobody has declared answers: a problem, like everything else.
///
/// A middleware because that is the router's one way in: added after all routes, it stands before
/// nothing but the router's own, bare 404.
struct UnmatchedPath: RouterMiddleware {
    typealias Context = RegistryRequestContext

    let runner: EndpointRunner

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await runner.respond(to: request, context: context)
    }
}
