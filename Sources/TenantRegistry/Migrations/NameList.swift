import Foundation
import RegistryModel

/// Names in a file, each with its line: one a line, or the column `fqdn` of a CSV file with a header.
/// Empty lines are passed over, and so is what follows a `#` (in CSV: lines that begin with one).
struct NameList {
    struct Entry: Equatable {
        var line: Int
        var name: String
    }

    struct Bad: Equatable, CustomStringConvertible {
        var line: Int
        var name: String
        var detail: String

        var description: String { Listing.printable("line \(line): \(name): \(detail)") }
    }

    /// What a plan takes.
    static let most = 1_000_000

    private(set) var entries: [Entry] = []
    private(set) var bad: [Bad] = []
    /// Where `fqdn` stands in a CSV file; nil: one name a line.
    private var column: Int?

    init(_ file: FileHandle) throws {
        var lines = LineReader(file)
        var isFirst = true
        while let (number, text) = try lines.next() {
            let text = text.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            defer { isFirst = false }
            if isFirst, let column = Self.header(text) {
                self.column = column
            } else {
                add(text, line: number)
            }
        }
    }

    var names: [String] { entries.map(\.name) }

    /// The entry that a pointer of the service's answer means: `/select/fqdns/3`.
    func entry(at pointer: String) -> Entry? {
        let prefix = "/select/fqdns/"
        guard pointer.hasPrefix(prefix), let index = Int(pointer.dropFirst(prefix.count)) else {
            return nil
        }
        return entries.indices.contains(index) ? entries[index] : nil
    }

    /// `fqdn` alone can't be a name: that has two labels.
    private static func header(_ text: String) -> Int? {
        guard case .fields(let fields) = CSVLine.read(text) else { return nil }
        return fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            .firstIndex(of: "fqdn")
    }

    private mutating func add(_ text: String, line: Int) {
        guard let column else {
            let name = text.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            return check(name, line: line)
        }
        guard case .fields(let fields) = CSVLine.read(text) else {
            return bad.append(
                Bad(line: line, name: String(text.prefix(80)), detail: "the quotes don't match"))
        }
        guard fields.indices.contains(column) else {
            return bad.append(
                Bad(line: line, name: String(text.prefix(80)), detail: "the row has no fqdn"))
        }
        check(fields[column].trimmingCharacters(in: .whitespaces), line: line)
    }

    /// The service would refuse the whole plan for one such name, and can't know its line.
    private mutating func check(_ name: String, line: Int) {
        do throws(FQDN.Malformed) {
            _ = try FQDN(name)
            entries.append(Entry(line: line, name: name))
        } catch {
            bad.append(Bad(line: line, name: String(name.prefix(80)), detail: error.explanation))
        }
    }
}
