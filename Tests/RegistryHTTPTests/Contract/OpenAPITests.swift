import Foundation
import RegistryModel
import Testing

@Suite("openapi.yaml", .whateverTheStore, .timeLimit(.minutes(15))) struct OpenAPITests {
    /// The least role that has a permission, in the contract's order.
    private static func leastRole(_ permission: String) -> String? {
        guard permission != "none" else { return "none" }
        return Permission(rawValue: permission).flatMap { permission in
            Role.allCases.first { $0.may(permission) }?.rawValue
        }
    }

    @Test func `describes exactly the operations that the server has`() async throws {
        try await withRegistry { registry in
            let served = Set(
                registry.server.operations.filter { OpenAPIDocument.canName($0.method) }
                    .map { "\($0.method) \($0.path)" })
            let described = Set(
                OpenAPIDocument.shared.operations.map { "\($0.method) \($0.path)" })
            let implied = Set(
                described.filter { $0.hasPrefix("GET ") }.map { "HEAD " + $0.dropFirst(4) })
            #expect(served.subtracting(described.union(implied)).isEmpty)
            #expect(described.subtracting(served).isEmpty)
        }
    }

    @Test func `names the least role of each operation`() async throws {
        try await withRegistry { registry in
            for served in registry.server.operations {
                guard
                    let described = OpenAPIDocument.shared.operations.first(where: {
                        $0.path == served.path && $0.method == served.method
                    })
                else { continue }
                #expect(
                    described.role == Self.leastRole(served.permission),
                    "\(served.method) \(served.path)")
            }
        }
    }

    @Test func `lets operations for readers go without a token, and no others`() {
        for operation in OpenAPIDocument.shared.operations {
            let security = operation.value["security"]?.array
            switch operation.role {
            case "none": #expect(security?.isEmpty == true, "\(operation.path)")
            case "reader":
                #expect(security?.contains(.object([])) == true, "\(operation.path)")
            default: #expect(security == nil, "\(operation.method) \(operation.path)")
            }
        }
    }

    @Test func `is what the server sends`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/openapi.yaml", as: .nobody)
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/yaml")
            #expect(try Data(answer.bytes) == Data(contentsOf: OpenAPIDocument.file))
        }
    }

    @Test func `has examples that fit their own schemas`() {
        let document = OpenAPIDocument.shared
        let checker = SchemaChecker(document: document)
        var count = 0
        for operation in document.operations {
            let responses = operation.value["responses"] ?? .null
            let contents =
                responses.keys.compactMap { responses[$0] }
                .map { document.resolved($0)["content"] ?? .null }
                + [operation.value["requestBody"]?["content"] ?? .null]
            for content in contents {
                for type in content.keys {
                    let schema = content[type]?["schema"] ?? .null
                    let examples = content[type]?["examples"] ?? .null
                    for name in examples.keys {
                        let example = document.resolved(examples[name] ?? .null)
                        let problems = checker.problems(example["value"] ?? .null, schema)
                        #expect(problems.isEmpty, "\(operation.path) \(name)")
                        count += 1
                    }
                }
            }
        }
        #expect(count > 100)
    }
}
