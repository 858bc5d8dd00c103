/// Reads the fields of an object and collects everything that is wrong with them, each with a JSON
/// pointer (RFC 6901), rather than stop at the first.
///
/// Every reading method returns nil (or nothing) where the field is absent or wrong; whoever calls
/// `finish()` on each reader and finds no `problems` can rely on what was required being there.
/// Null is a value of the wrong kind, but for `isNull`. Keys are compared by bytes.
///
/// Not Sendable: readers of one document share their problems. At most 100 are kept.
package struct JSONObjectReader {
    let document: JSONDocument
    /// Of the value's token.
    private let number: Int
    /// False where the value is something else, which is one problem and not one for each field.
    package let isObject: Bool
    /// Where the document stands in what was sent.
    private let root: String
    private let collector: JSONProblems
    /// Members that somebody has asked for: the first 64, bit by bit, and others.
    private var known: UInt64 = 0
    private var knownBeyond: Set<Int> = []

    /// - Parameter pointer: where the value stands in the document that was sent.
    package init(_ document: JSONDocument, pointer: String = "") {
        self.init(document, 0, root: pointer, JSONProblems())
    }

    private init(
        _ document: JSONDocument, _ number: Int, root: String, _ collector: JSONProblems
    ) {
        self.document = document
        self.number = number
        self.root = root
        self.collector = collector
        let kind = document.token(number).kind
        isObject = kind == .object
        if !isObject {
            collector.add(
                document.pointer(to: number, from: root), "wrong-type",
                "an object is expected, not \(kind.name)")
        }
    }

    /// What has been found so far, in this object and in all others of the document.
    package var problems: [Problem] { collector.all }

    /// Adds a complaint of the caller's own about a field.
    package func refuse(_ name: String, _ code: String, _ detail: String) {
        collector.add(place(name), code, detail)
    }

    /// The same about an element of a field that is an array.
    package func refuse(_ name: String, at index: Int, _ code: String, _ detail: String) {
        collector.add(JSONPointer.appending(index, to: place(name)), code, detail)
    }

    /// Adds a complaint for each field that nobody has asked for. Not for those of objects inside:
    /// each reader has its own `finish()`.
    package func finish() {
        guard isObject else { return }
        for (index, key) in document.inside(number).enumerated() where !isKnown(index) {
            guard !collector.isFull else { return }
            refuse(document.text(at: key), "unknown-field", "there is no such field here")
        }
    }

    // MARK: Presence

    /// Whether the field is there and null; asking makes it known.
    package mutating func isNull(_ name: String) -> Bool {
        take(name).map { document.token($0).kind == .null } ?? false
    }

    /// The number of a field's token; asking makes it known.
    mutating func take(_ name: String) -> Int? {
        guard isObject else { return nil }
        // Objects have few fields, and callers ask for few names: no dictionary is worth it.
        guard let (index, key) = document.member(name, of: number) else { return nil }
        if index < 64 { known |= 1 << UInt64(index) } else { knownBeyond.insert(index) }
        return key + 1
    }

    private func isKnown(_ index: Int) -> Bool {
        index < 64 ? known & (1 << UInt64(index)) != 0 : knownBeyond.contains(index)
    }

    /// Whether the field is there; adds a complaint where it isn't.
    mutating func require(_ name: String) -> Bool {
        guard take(name) == nil else { return true }
        if isObject { refuse(name, "required", "the field is required") }
        return false
    }

    func mismatch<Value>(_ name: String, _ expected: String, _ value: Int) -> Value? {
        refuse(
            name, "wrong-type", "\(expected) is expected, not \(document.token(value).kind.name)")
        return nil
    }

    /// A reader of an element or a field of this object, which shares this one's problems.
    func nested(_ value: Int) -> JSONObjectReader {
        JSONObjectReader(document, value, root: root, collector)
    }

    private func place(_ name: String) -> String {
        JSONPointer.appending(name, to: document.pointer(to: number, from: root))
    }
}

extension JSONObjectReader {
    /// One thing that is wrong with a field.
    package struct Problem: Sendable, Equatable {
        /// RFC 6901; empty for the document itself.
        package var pointer: String
        /// Kebab-case. The reader's own are `required`, `unknown-field`, `wrong-type`, `too-long`,
        /// `too-short`, `out-of-range`, `not-allowed` and `invalid`.
        package var code: String
        /// For people. Never holds the value that was sent.
        package var detail: String

        package init(pointer: String, code: String, detail: String) {
            self.pointer = pointer
            self.code = code
            self.detail = detail
        }
    }
}

/// The problems of a document, shared by the readers of its objects.
final class JSONProblems {
    /// Complaints beyond this many help nobody.
    static let maximum = 100

    private(set) var all: [JSONObjectReader.Problem] = []

    var isFull: Bool { all.count >= Self.maximum }

    /// The texts are made only where there is room for them: a document can have a million errors.
    func add(
        _ pointer: @autoclosure () -> String, _ code: String, _ detail: @autoclosure () -> String
    ) {
        guard !isFull else { return }
        all.append(.init(pointer: pointer(), code: code, detail: detail()))
    }
}

/// RFC 6901, JSON pointers.
enum JSONPointer {
    /// `pointer` and one more token. §3: `~` becomes `~0` and `/` becomes `~1`.
    static func appending(_ token: String, to pointer: String) -> String {
        var result = pointer.unicodeScalars
        result.append("/")
        // Scalar by scalar: a slash with a combining mark after it is a slash all the same.
        for scalar in token.unicodeScalars {
            switch scalar {
            case "~": result.append(contentsOf: "~0".unicodeScalars)
            case "/": result.append(contentsOf: "~1".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    static func appending(_ index: Int, to pointer: String) -> String { "\(pointer)/\(index)" }
}

/// Tells whether a key came before in the same object, by bytes: `String`'s `==` takes canonical
/// equivalents for one another, and RFC 8259 §8.3 compares code unit by code unit.
struct JSONKeys {
    /// Up to so many, comparing with each is faster than a set.
    static let few = 16

    private var seen: Set<Key> = []

    /// - Returns: false where it was here before.
    mutating func insert(_ key: String) -> Bool { seen.insert(Key(text: key)).inserted }

    /// For a complaint. By scalars: one `Character` can be as long as the document.
    static func duplicate(_ key: String) -> String {
        "the key \"\(String(key.unicodeScalars.prefix(64)))\" comes twice"
    }

    /// Hashed with the process's random seed: no sender can choose keys that collide.
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool { left.text.hasSameBytes(as: right.text) }

        func hash(into hasher: inout Hasher) {
            let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
                hasher.combine(bytes: UnsafeRawBufferPointer($0))
            }
            // Ours are native strings, which are always contiguous.
            if isDone == nil { hasher.combine(text.utf8.count) }
        }
    }
}

extension String {
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
