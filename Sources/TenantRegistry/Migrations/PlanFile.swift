import ArgumentParser
import DurableFiles
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// A plan that somebody has reviewed: the answer to a plan or a dry run, in a file.
struct PlanFile {
    let path: String
    let plan: Migration

    /// - Throws: `CommandFailure.usage` where the file can't be read or holds something else.
    init(path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure.usage("--plan: \(path) can't be read")
        }
        do {
            plan = try Migration(json: data)
        } catch {
            throw CommandFailure.usage("--plan: \(path) isn't a plan that --write-plan wrote")
        }
    }

    /// Holds what was reviewed against what the service has.
    ///
    /// - Throws: `CommandFailure.failed` with the first difference.
    func check(against migration: Migration) throws {
        if let mine = plan.knownID, mine != migration.id {
            throw differs("is migration \(mine)", migration.knownID ?? "none")
        }
        guard plan.digest == migration.digest else {
            throw differs("has digest \(plan.digestText)", migration.digestText)
        }
        let (mine, theirs) = (plan.waves.map(\.size), migration.waves.map(\.size))
        guard mine == theirs else { throw differs("has waves of \(mine)", "\(theirs)") }
    }

    private func differs(_ mine: String, _ theirs: String) -> CommandFailure {
        .failed("\(path) \(mine), the service's is \(theirs): nothing was done")
    }

    /// Nobody reads half a plan.
    static func write(_ text: String, to path: String) throws {
        do {
            try DurableFile.write((text + "\n").utf8, to: path, .kept(otherwise: 0o666))
        } catch {
            throw CommandFailure(error)
        }
    }
}

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
        guard case .fields(let fields) = CSVRecord.read(text) else { return nil }
        return fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            .firstIndex(of: "fqdn")
    }

    private mutating func add(_ text: String, line: Int) {
        guard let column else {
            let name = text.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            return check(name, line: line)
        }
        guard case .fields(let fields) = CSVRecord.read(text) else {
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

/// How a plan is cut into waves, as people write it: `5,10%,rest`.
struct WaveSizes: Equatable {
    let waves: [PlanRequest.Wave]

    /// - Throws: `ValidationError` that says which part is wrong.
    init(_ text: String) throws {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.filter { !$0.isWhitespace } }
        guard parts.count <= Self.most else {
            throw ValidationError("At most \(Self.most) waves are possible.")
        }
        waves = try parts.map(Self.wave)
        guard !waves.dropLast().contains(.rest) else {
            throw ValidationError("Nothing comes after rest: it takes all that is left.")
        }
    }

    private static let most = 1000

    private static func wave(_ part: String) throws -> PlanRequest.Wave {
        if part == "rest" { return .rest }
        if part.hasSuffix("%") {
            // `Double` also reads words and hexadecimals.
            let share = part.dropLast()
            guard share.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
                let percent = Double(share), percent > 0, percent <= 100
            else { throw ValidationError("\(part): a share is above 0% and at most 100%.") }
            return .percent(percent)
        }
        guard part.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(part), count > 0
        else {
            throw ValidationError(
                "\"\(part)\": a wave is a number of domains, a share such as 10%, or rest.")
        }
        return .count(count)
    }
}
