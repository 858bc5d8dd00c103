import RegistryModel

/// A value as openapi.yaml describes it in JSON. There is one for each noun: the server writes it, clients read
/// it, and lists and CSV files take their columns from it, so that a field is spelled in one file.
///
/// Nothing here is found out at run time: `fields` says what is written, `init(reading:)` reads it, and the tests
/// hold the two, and openapi.yaml, against one another.
package protocol Shape: WrittenShape {
    /// Reads the object. Members that aren't known are passed over: a client may be older than its registry. What is
    /// wrong with the others, a word that an enumeration doesn't have for example, is in the reader's problems.
    init?(reading object: inout JSONObjectReader)
}

/// The half of a shape that is written.
package protocol WrittenShape: Sendable {
    /// The members of the JSON object, in the order in which they're written.
    static var fields: [ShapeField<Self>] { get }

    /// What a row of a table or a CSV file has, in order.
    static var tableColumns: [ShapeField<Self>] { get }

    /// Writes the object, whole: field by field, unless a shape that is written all the time has a quicker way.
    func write(to writer: inout JSONWriter)

    /// Adds a line with the cells of `columns`. It's a requirement so that it's compiled for each shape, as `write` is.
    ///
    /// - Parameter forSpreadsheet: whether what would be a formula is made inert.
    func append(_ columns: [ShapeField<Self>], forSpreadsheet: Bool, to csv: inout [UInt8])
}

extension WrittenShape {
    package static var tableColumns: [ShapeField<Self>] { fields.filter { $0.cell != nil } }

    /// What openapi.yaml has to say too.
    package static var members: [(name: String, isRequired: Bool, shape: (any WrittenShape.Type)?)]
    {
        fields.map { ($0.name, $0.isRequired, $0.shape) }
    }

    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    /// The members alone, for an object that has others too.
    package func writeMembers(to writer: inout JSONWriter) {
        for field in Self.fields { field.write(self, to: &writer) }
    }

    /// The object as a document of its own.
    package var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.finish()
    }
}

extension Shape {
    /// Reads a document that is the object.
    package init(json bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "\(Self.self)") { Self(reading: &$0) }
    }
}

extension JSONWriter {
    package mutating func write(_ value: some WrittenShape) { value.write(to: &self) }

    package mutating func write(_ cell: Cell) {
        switch cell {
        case .text(let text): string(text)
        case .number(let number): integer(number)
        case .bool(let value): bool(value)
        case .time(let time): string(time)
        case .absent: null()
        }
    }

    /// A key and its value at once, or nothing at all.
    package mutating func field(_ name: StaticString, _ cell: Cell) {
        guard !cell.isAbsent else { return }
        key(name)
        write(cell)
    }

    /// An array of the elements of a collection.
    mutating func list<Element>(
        named name: String, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        key(named: name)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }
}

extension JSONObjectReader {
    package mutating func shape<Value: Shape>(_ name: String, _: Value.Type = Value.self) -> Value?
    {
        guard var object = object(name) else { return nil }
        return Value(reading: &object)
    }

    mutating func optionalShape<Value: Shape>(
        _ name: String, _: Value.Type = Value.self
    ) -> Value? {
        guard !isNull(name), var object = optionalObject(name) else { return nil }
        return Value(reading: &object)
    }

    /// An array that must be there. An element that can't be read has its complaint, and the whole isn't read.
    mutating func shapes<Value: Shape>(_ name: String, _: Value.Type = Value.self) -> [Value] {
        objects(name, maximum: .max).compactMap { object in
            var object = object
            return Value(reading: &object)
        }
    }

    mutating func optionalShapes<Value: Shape>(
        _ name: String, _ type: Value.Type = Value.self
    ) -> [Value]? {
        has(name) ? shapes(name, type) : nil
    }

    mutating func optionalTime(_ name: String) -> Timestamp? { has(name) ? time(name) : nil }

    mutating func optionalRevision(_ name: String) -> Revision? {
        has(name) ? revision(name) : nil
    }

    mutating func count(_ name: String) -> Int? {
        integer(name, in: 0...Int64(Int.max)).map { Int($0) }
    }

    mutating func optionalCount(_ name: String) -> Int? { has(name) ? count(name) : nil }
}

/// A page of a list.
package struct ListPage<Item: Shape>: Shape {
    package var items: [Item]
    /// What the next page is asked for with; nil: this is the last one.
    package var nextCursor: String?

    package init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }

    package static var fields: [ShapeField<ListPage<Item>>] {
        [
            ShapeField("items", objects: { $0.items }),
            .optional("next_cursor") { Cell($0.nextCursor) },
        ]
    }

    /// Writes a page whose items are made one after the other, and none of them is kept.
    package static func json(
        nextCursor: String?, _ writeItems: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("items")
        writer.beginArray()
        writeItems(&writer)
        writer.endArray()
        writer.field("next_cursor", Cell(nextCursor))
        writer.endObject()
        return writer.finish()
    }

    package init?(reading object: inout JSONObjectReader) {
        items = object.shapes("items", Item.self)
        nextCursor = object.optionalText("next_cursor")
    }
}
