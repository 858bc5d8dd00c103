import NIOHTTP1
import RegistryModel
import Testing

@testable import RegistryHTTP

@Suite("The page of a problem", .whateverTheStore, .timeLimit(.minutes(15))) struct ProblemPageTests
{
    /// `code`, statuses and occasion, as the table in openapi.yaml has them.
    private static let table: [[String]] = {
        let text = OpenAPIDocument.shared.component("schemas", "Problem")?["description"]?.text
        return (text ?? "").split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.replacing("`", with: "").split(separator: " | ").map {
                String($0.trimmingPrefix("| ").replacing(" |", with: ""))
            }
        }
    }()

    @Test func `is there for every code that openapi.yaml knows, and says the same`() throws {
        let kinds = ProblemKind.all.map { kind in
            [kind.code, kind.statuses.map(String.init).joined(separator: ", "), kind.when]
        }
        #expect(kinds == Self.table)
        let codes = OpenAPIDocument.shared.component("schemas", "Problem")?["properties"]?["code"]?[
            "enum"]?.array.compactMap(\.text)
        #expect(Set(codes ?? []) == Set(kinds.map { $0[0] }))
        #expect(Set(kinds.map { $0[0] }).count == kinds.count)
    }

    @Test func `is where the type points, for anyone`() async throws {
        try await withRegistry { registry in
            let problem = try await registry.get("/v1/domains/nobody.example.com")
            let type = try #require(problem["type"]?.text)
            let page = try await registry.get(type, as: .nobody)
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            #expect(page.text.contains("<h1>Unknown domain</h1>"))
            #expect(page.text.contains("HTTP status 404"))
            for kind in ProblemKind.all {
                let page = try await registry.get(
                    "/problems/\(kind.code)", as: .nobody, headers: [("Accept", "text/html")])
                #expect(page.status == 200 && page.text.contains("<code>\(kind.code)</code>"))
            }
            let head = try await registry.send(.HEAD, type, as: .nobody)
            #expect(head.status == 200 && head.bytes.isEmpty)
        }
    }

    @Test(arguments: ["nothing", "Domain-taken", "domain-taken%00", "%3Cscript%3E", "a/b", ""])
    func `isn't there for what is no code`(code: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/problems/\(code)", as: .nobody)
            #expect(answer.isProblem(404, "not-found"))
            #expect(!answer.text.contains("<script>"))
        }
    }

    @Test func `is at the port of --ops-listen too, before a table is there`() async throws {
        let settings = RegistrySettings.with { settings in
            (settings.isOps, settings.isLoaded) = (true, false)
        }
        try await withRegistry(settings) { registry in
            let problem = try await registry.get("/readyz", as: .nobody)
            let type = try #require(problem["type"]?.text)
            #expect(try await registry.get(type, as: .nobody).text.contains("Retry-After"))
        }
    }
}
