import RegistryAPI
import RegistryModel

/// A line of `/v1/export/records`.
extension RecordSet: Shape {
    package static let fields: [ShapeField<RecordSet>] = [
        ShapeField("name") { .text($0.name) },
        ShapeField("type") { .text($0.type) },
        ShapeField("ttl") { .number(Int64($0.ttl)) },
        ShapeField("values", isRequired: false) { set -> [String]? in
            if case .values(let values) = set.data { values } else { nil }
        },
        ShapeField("alias", isRequired: false) { $0.alias },
        .optional("base") { $0.isOperators ? .bool(true) : .absent },
    ]

    private var alias: Route53Alias? {
        if case .alias(let alias) = data { alias } else { nil }
    }

    package init?(reading object: inout JSONObjectReader) {
        let name = object.string("name", maximum: 1024)
        let type = object.string("type", maximum: 32)
        let ttl = object.integer("ttl", in: 0...Int64(UInt32.max))
        let isOperators = object.optionalBool("base") ?? false
        let data: RecordData?
        if object.has("alias") {
            data = object.shape("alias", Route53Alias.self).map { .alias($0) }
        } else {
            data = RecordData.values(object.strings("values", maximum: 65_536))
        }
        guard let name, let type, let ttl, let data else { return nil }
        self.init(
            name: name, type: type, ttl: UInt32(ttl), data: data, isOperators: isOperators)
    }
}

/// A line of `/v1/export/records` about a name that the registry knows and the picture doesn't say.
public struct LeftOutName: Hashable, Sendable {
    public var name: String
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

extension LeftOutName: Shape {
    package static let fields: [ShapeField<LeftOutName>] = [
        ShapeField("left_out") { .text($0.name) }, ShapeField("reason") { .text($0.reason) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let name = object.string("left_out", maximum: 1024)
        let reason = object.string("reason", maximum: 1024)
        guard let name, let reason else { return nil }
        self.init(name: name, reason: reason)
    }
}

extension AbsentName: Shape {
    package static let fields: [ShapeField<AbsentName>] = [
        ShapeField("absent") { .text($0.name) },
        .optional("registered") { $0.isRegistered ? .bool(true) : .absent },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let name = object.string("absent", maximum: 1024)
        let isRegistered = object.optionalBool("registered") ?? false
        guard let name else { return nil }
        self.init(name: name, isRegistered: isRegistered)
    }
}
