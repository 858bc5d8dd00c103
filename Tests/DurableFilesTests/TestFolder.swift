import DurableFiles
import Foundation
import Testing

/// A folder of one test's own, gone when the test is.
final class TestFolder: Sendable {
    let url: URL

    init() {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("durable-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.path + "/" + name }

    func write(_ text: String, to name: String) {
        try? Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }

    func text(_ name: String) -> String? {
        try? String(contentsOfFile: path(name), encoding: .utf8)
    }

    func entries(_ name: String) -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? [])
    }

    var names: Set<String> { entries("") }

    /// Of the name itself, not of what a link leads to.
    func status(_ name: String) -> stat { Self.status(of: path(name)) }

    static func status(of path: String) -> stat {
        var found = stat()
        #expect(lstat(path, &found) == 0)
        return found
    }

    /// Why writing there fails.
    func failure(_ name: String) -> Int32? {
        do {
            try DurableFile.write("x".utf8, to: path(name), .kept(otherwise: 0o644))
            return nil
        } catch {
            return error.code
        }
    }
}
