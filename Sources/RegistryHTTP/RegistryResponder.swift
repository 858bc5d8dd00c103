import Hummingbird
import RegistryService

/// What Hummingbird carries along with a request: nothing of ours.
public struct RegistryRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
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
