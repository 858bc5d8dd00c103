import Hummingbird
import NIOHTTP1
import RegistryService

/// What Hummingbird carries along with a request: nothing of ours.
public struct RegistryRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// Answers every request: through the router, and where the router knows nothing, with our own 404.
public struct RegistryResponder: HTTPResponder {
    private let router: RouterResponder<RegistryRequestContext>
    private let notFound: EndpointRunner

    init(_ endpoints: [Endpoint], service: RegistryService, options: HTTPOptions) {
        router = RegistryRouter(service: service, options: options).build(endpoints)
        notFound = EndpointRunner(
            endpoint: .notFound, service: service, options: options,
            metrics: EndpointMetrics(method: "any", route: "unmatched"))
    }

    public func respond(
        to request: Request, context: RegistryRequestContext
    ) async throws -> Response {
        do {
            return try await router.respond(to: request, context: context)
        } catch is HTTPError {
            // The only one that gets out of the router: there is no such path.
            return try await notFound.respond(to: request, context: context)
        }
    }
}
