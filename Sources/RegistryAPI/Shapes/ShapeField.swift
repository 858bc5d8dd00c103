import RegistryModel

/// A member of a shape: its name, how it's written, and the column that shows it.
///
/// It's a class because each object that is written goes through all of its fields, and a reference costs least to take.
package final class ShapeField<Value>: Sendable {
    package let name: String
    /// Whether it's in every object.
    package let isRequired: Bool
    /// What a row shows of it; nil where it has no column of its own.
    package let cell: (@Sendable (Value) -> Cell)?
    /// Of the object that it is, or that its elements are.
    package let shape: (any WrittenShape.Type)?
    /// Writes the key and the value, or nothing at all: a client tells absent from null. Nil: what is in the cell is
    /// written.
    private let content: (@Sendable (Value, inout JSONWriter) -> Void)?
    /// As it's written, so that no name is looked at again in each object.
    private let key: [UInt8]

    /// A text, a number or a boolean.
    package convenience init(
        _ name: String, isRequired: Bool = true, _ cell: @escaping @Sendable (Value) -> Cell
    ) {
        self.init(name, isRequired, cell: cell, content: nil)
    }

    package static func optional(
        _ name: String, _ cell: @escaping @Sendable (Value) -> Cell
    ) -> ShapeField {
        ShapeField(name, isRequired: false, cell)
    }

    /// An object, which is null where it's required and there is none.
    package convenience init<Nested: Shape>(
        _ name: String, isRequired: Bool = true, object: @escaping @Sendable (Value) -> Nested?
    ) {
        let key = JSONWriter.written(name)
        self.init(name, isRequired, shape: Nested.self) { value, writer in
            let object = object(value)
            guard object != nil || isRequired else { return }
            writer.key(written: key)
            if let object { object.write(to: &writer) } else { writer.null() }
        }
    }

    /// An array of objects; nil: it isn't there.
    package convenience init<Nested: Shape>(
        _ name: String, isRequired: Bool = true, objects: @escaping @Sendable (Value) -> [Nested]?
    ) {
        self.init(name, isRequired, shape: Nested.self) { value, writer in
            guard let objects = objects(value) else { return }
            writer.list(named: name, objects) { $1.write(to: &$0) }
        }
    }

    /// An array of texts, one after the other in a cell; nil: it isn't there.
    package convenience init(
        _ name: String, isRequired: Bool = true, texts: @escaping @Sendable (Value) -> [String]?
    ) {
        self.init(
            name, isRequired, cell: { Cell(texts($0)?.joined(separator: " ")) }
        ) { value, writer in
            guard let texts = texts(value) else { return }
            writer.list(named: name, texts) { $0.string($1) }
        }
    }

    /// A member that is put together in its own way.
    init(
        _ name: String, _ isRequired: Bool, cell: (@Sendable (Value) -> Cell)? = nil,
        shape: (any WrittenShape.Type)? = nil,
        content: (@Sendable (Value, inout JSONWriter) -> Void)?
    ) {
        self.name = name
        self.isRequired = isRequired
        self.cell = cell
        self.shape = shape
        self.content = content
        key = JSONWriter.written(name)
    }

    func write(_ value: Value, to writer: inout JSONWriter) {
        if let content { return content(value, &writer) }
        guard let cell = cell?(value), !cell.isAbsent else { return }
        writer.key(written: key)
        writer.write(cell)
    }

    /// The same member in an object that this one's is a part of; where there is no such part, it isn't there.
    func of<Whole>(
        _ prefix: String = "", _ part: @escaping @Sendable (Whole) -> Value?
    ) -> ShapeField<Whole> {
        var outer: (@Sendable (Whole) -> Cell)?
        if let cell { outer = { part($0).map(cell) ?? .absent } }
        var content: (@Sendable (Whole, inout JSONWriter) -> Void)?
        if let inner = self.content {
            content = { whole, writer in
                if let part = part(whole) { inner(part, &writer) }
            }
        }
        return ShapeField<Whole>(
            prefix + name, isRequired, cell: outer, shape: shape, content: content)
    }
}

/// What a row has in one column.
package enum Cell: Sendable, Equatable {
    case text(String)
    case number(Int64)
    case bool(Bool)
    case time(Timestamp)
    case absent

    package init(_ text: String?) { self = text.map { .text($0) } ?? .absent }

    package init(_ number: Int?) { self = number.map { .number(Int64($0)) } ?? .absent }

    package init(_ revision: Revision?) { self = revision.map { .number($0.number) } ?? .absent }

    package init(_ flag: Bool?) { self = flag.map { .bool($0) } ?? .absent }

    package init(_ time: Timestamp?) { self = time.map { .time($0) } ?? .absent }

    package var isAbsent: Bool { if case .absent = self { true } else { false } }

    package var plain: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        case .time(let time): time.description
        case .absent: ""
        }
    }
}

extension Array {
    /// The columns that have these names, in this order.
    package func named<Value>(_ names: String...) -> [ShapeField<Value>]
    where Element == ShapeField<Value> {
        names.compactMap { name in first { $0.name == name } }
    }
}
