import HTTPTypes

/// `/problems/{code}`: where the `type` of a problem leads. Open to anyone, like the problem itself.
struct ProblemRoutes: Sendable {
    @Sendable func page(_ call: EdgeCall) async throws -> EndpointResponse {
        guard let kind = ProblemKind.of(call.parameter("code")) else {
            throw Problem(.notFound, "not-found", "there is no such kind of problem")
        }
        return EndpointResponse(
            headers: [
                .contentType: "text/html; charset=utf-8",
                .contentSecurityPolicy: "default-src 'none'",
                .xContentTypeOptions: "nosniff",
            ], body: Array(kind.page.utf8))
    }
}

extension ProblemKind {
    /// Plain enough to be read without a browser.
    var page: String {
        let statuses = statuses.map(String.init).joined(separator: ", ")
        let title = Problem.title(of: code)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <title>\(title)</title>
            <h1>\(title)</h1>
            <p><code>\(code)</code>, HTTP status \(statuses)</p>
            <h2>When</h2>
            <p>\(Self.escaped(when))</p>
            <h2>What to do</h2>
            <p>\(Self.escaped(advice))</p>
            </html>

            """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }
}
