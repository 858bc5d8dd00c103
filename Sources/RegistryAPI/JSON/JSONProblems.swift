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
