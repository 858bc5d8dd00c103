import HTTPTypes
import RegistryAPI

/// `/console/`: a page that uses the API with a token that the person enters. Its files are open to anyone, for they hold nothing.
///
/// The policy leaves a page nothing but its own files and this API: no inline script or style, no other place to send a token to, and
/// nobody's frame around it.
struct ConsoleRoutes: Sendable {
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    /// The page. Its links are relative, so that a proxy may put the registry below any path: the folder's own path ends with a
    /// slash, and one without is led there.
    @Sendable func page(_ call: EdgeCall) async throws -> EndpointResponse {
        guard call.request.uri.path.hasSuffix("/") else {
            return EndpointResponse(status: .permanentRedirect, headers: [.location: "console/"])
        }
        return try file(named: ConsoleFiles.page, call)
    }

    @Sendable func file(_ call: EdgeCall) async throws -> EndpointResponse {
        try file(named: String(call.request.uri.path.dropFirst("/console/".count)), call)
    }

    private func file(named name: String, _ call: EdgeCall) throws -> EndpointResponse {
        guard let file = try ConsoleFiles.shared.get().files[name] else {
            throw Problem(.notFound, "not-found", "the console has no such file")
        }
        let whole = WholeFile(call.request.headers, tag: file.tag, at: nil)
        var response = whole.notModified ?? whole.response(file.type, file.bytes, file.compressed)
        response.headers[.contentSecurityPolicy] = Self.policy
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        response.headers[HTTPField.Name("Cross-Origin-Opener-Policy")!] = "same-origin"
        return response
    }
}
