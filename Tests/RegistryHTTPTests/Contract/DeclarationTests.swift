import RegistryAPI
import Testing

/// What RegistryAPI declares is what openapi.yaml describes: clients and the server have nothing else.
@Suite("A declaration", .whateverTheStore) struct DeclarationTests {
    private static let document = OpenAPIDocument.shared

    private static func described(_ id: EndpointID) -> [OpenAPIDocument.Operation] {
        let endpoint = id.declaration
        return document.operations.filter { operation in
            operation.path == endpoint.path
                && (endpoint.method == .any || endpoint.method.rawValue == operation.method)
        }
    }

    private static func parameters(_ operation: OpenAPIDocument.Operation, in place: String)
        -> Set<String>
    {
        let all = (operation.value["parameters"]?.array ?? []).map(document.resolved)
        return Set(
            all.filter { $0["in"]?.text == place }.compactMap { $0["name"]?.text }
        ).subtracting(["min_revision"])
    }

    /// By media type; of every success.
    private static func answers(_ operation: OpenAPIDocument.Operation) -> [String: [JSONValue]] {
        let responses = operation.value["responses"] ?? .null
        var found: [String: [JSONValue]] = [:]
        for status in responses.keys where status.hasPrefix("2") {
            let content = document.resolved(responses[status] ?? .null)["content"] ?? .null
            for type in content.keys {
                found[type, default: []].append(content[type]?["schema"] ?? .null)
            }
        }
        return found
    }

    @Test(arguments: EndpointID.allCases)
    func `has the operation's name, parameters and media types`(id: EndpointID) {
        let endpoint = id.declaration
        let operations = Self.described(id)
        #expect(!operations.isEmpty)
        for operation in operations {
            let suffix = endpoint.method == .any ? operation.method.capitalized : ""
            #expect(operation.value["operationId"]?.text == id.rawValue + suffix)
            #expect(
                Self.parameters(operation, in: "query")
                    == endpoint.query.subtracting(["min_revision"]))
            #expect(
                Self.parameters(operation, in: "header").contains("Idempotency-Key")
                    == endpoint.isIdempotent)
            #expect(
                Self.parameters(operation, in: "header").contains("If-Match")
                    == endpoint.takesIfMatch)
            let bodies = operation.value["requestBody"]?["content"]?.keys ?? []
            #expect(bodies.isEmpty == (endpoint.request == nil && endpoint.takes.isEmpty))
            if !endpoint.takes.isEmpty {
                #expect(Set(bodies) == Set(endpoint.takes.map(\.rawValue)))
            }
            let types = Self.answers(operation)
            if case .json = endpoint.style, !types.isEmpty {
                #expect(Set(types.keys) == Set(endpoint.produces.map(\.rawValue)))
            }
        }
    }

    @Test func `has the members that the schemas have, and requires what they require`() {
        var seen: [String: ShapeSightings] = [:]
        for id in EndpointID.allCases {
            let endpoint = id.declaration
            for operation in Self.described(id) {
                if let shape = endpoint.request {
                    let content = operation.value["requestBody"]?["content"] ?? .null
                    for type in content.keys {
                        collect(content[type]?["schema"] ?? .null, shape, &seen)
                    }
                }
                guard let shape = endpoint.answer else { continue }
                let schemas = Self.answers(operation)["application/json"] ?? []
                #expect(!schemas.isEmpty, "\(id)")
                for schema in schemas { collect(schema, shape, &seen) }
            }
        }
        if let problem = Self.document.component("schemas", "Problem") {
            collect(problem, ProblemResponse.self, &seen)
        }
        #expect(seen.count > 35)
        for (name, sightings) in seen {
            let members = sightings.shape.members
            #expect(Set(members.map(\.name)) == sightings.names, "\(name)")
            #expect(
                Set(members.filter(\.isRequired).map(\.name)) == sightings.required, "\(name)")
        }
    }

    /// Follows a shape's members into the schemas of theirs.
    private func collect(
        _ schema: JSONValue, _ shape: any WrittenShape.Type, _ seen: inout [String: ShapeSightings]
    ) {
        for object in Self.objects(schema) {
            let properties = object["properties"] ?? .null
            let required = Set((object["required"]?.array ?? []).compactMap(\.text))
            var sightings =
                seen[String(reflecting: shape)]
                ?? ShapeSightings(shape: shape, names: [], required: required)
            sightings.names.formUnion(properties.keys)
            sightings.required.formIntersection(required)
            seen[String(reflecting: shape)] = sightings
            for member in shape.members {
                guard let nested = member.shape, let schema = properties[member.name] else {
                    continue
                }
                collect(schema, nested, &seen)
            }
        }
    }

    /// The objects that a schema allows, itself or as elements.
    private static func objects(_ schema: JSONValue) -> [JSONValue] {
        let schema = document.resolved(schema)
        if let choices = (schema["oneOf"] ?? schema["anyOf"] ?? schema["allOf"])?.array {
            return choices.flatMap(objects)
        }
        if let items = schema["items"] { return objects(items) }
        return schema["properties"] == nil ? [] : [schema]
    }
}

/// Where a shape was met: one may stand for several schemas, which leave some of its members out.
private struct ShapeSightings {
    var shape: any WrittenShape.Type
    var names: Set<String>
    /// In all of them.
    var required: Set<String>
}
