import CZlib
import Foundation
import NIOHTTP1
import RegistryModel
import Testing

@testable import RegistryHTTP

@Suite("The console's files", .whateverTheStore, .timeLimit(.minutes(15)))
struct ConsoleFilesTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/CConsole/files")

    private static let paths: Set<String> = {
        let found = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
        return Set(
            found.compactMap { $0 as? String }.filter {
                !folder.appendingPathComponent($0).hasDirectoryPath
                    && URL(fileURLWithPath: $0).pathExtension != ""
            })
    }()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }

    @Test func `are those of the folder, and small`() throws {
        let files = try ConsoleFiles.shared.get().files
        #expect(Set(files.keys) == Self.paths)
        for (path, file) in files {
            #expect(file.bytes == Array(try Self.text(path).utf8), "\(path)")
            #expect(!file.compressed.isEmpty && file.compressed.count < file.bytes.count)
        }
        #expect(files.values.reduce(0) { $0 + $1.compressed.count } <= 150_000)
    }

    @Test func `are open to anyone, and leave a page nothing but themselves and the API`()
        async throws
    {
        try await withRegistry { registry in
            for path in Self.paths.sorted() + [""] {
                let answer = try await registry.get("/console/\(path)", as: .nobody)
                #expect(answer.status == 200, "\(path)")
                #expect(
                    answer.header("Content-Security-Policy")
                        == "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                )
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-cache")
                #expect(answer.header("Set-Cookie") == nil)
                let type = try #require(answer.header("Content-Type"))
                #expect(type.hasSuffix("; charset=utf-8") && !type.hasPrefix("application/"))
                let tag = try #require(answer.header("ETag"))
                #expect(tag.hasPrefix("\""))
                let known = try await registry.get(
                    "/console/\(path)", as: .nobody, headers: [("If-None-Match", tag)])
                #expect(known.status == 304 && known.bytes.isEmpty)
            }
            let page = try await registry.get("/console/", as: .nobody)
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            let script = try await registry.get("/console/app.js", as: .nobody)
            #expect(script.header("Content-Type") == "text/javascript; charset=utf-8")
            let compressed = try await registry.get(
                "/console/app.js", as: .nobody, headers: [("Accept-Encoding", "gzip, br")])
            #expect(compressed.header("Content-Encoding") == "gzip")
            #expect(compressed.header("ETag") != script.header("ETag"))
            #expect(compressed.header("Vary") == "Accept-Encoding")
            #expect(
                try Array(compressed.bytes) == ConsoleFiles.shared.get().files["app.js"]?.compressed
            )
            let head = try await registry.send(.HEAD, "/console/app.js", as: .nobody)
            #expect(head.status == 200 && head.bytes.isEmpty)
        }
    }

    @Test func `are found below the folder's path, and nowhere else`() async throws {
        try await withRegistry { registry in
            let folder = try await registry.get("/console", as: .nobody)
            #expect(folder.status == 308 && folder.header("Location") == "console/")
            for path in ["nothing.js", "../openapi.yaml", "/app.js", "pages", "pages/", "%2e"] {
                let answer = try await registry.get("/console/\(path)", as: .nobody)
                #expect(answer.isProblem(404, "not-found"), "\(path): \(answer.text)")
            }
            let post = try await registry.send(.POST, "/console/app.js", as: .nobody)
            #expect(post.status == 405)
        }
    }

    /// What a policy would stop, or what would make text into markup, isn't there at all.
    @Test func `have no markup made of text, and no inline script or style`() throws {
        for path in Self.paths where path.hasSuffix(".js") {
            let text = try Self.text(path)
            for word in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                "Function(",
                "srcdoc", "cssText", "localStorage.setItem(KEPT, session", "document.cookie",
            ] {
                #expect(!text.contains(word), "\(path) has \(word)")
            }
            #expect(!text.contains("https://") || path.hasPrefix("texts/") || path == "names.js")
        }
        let page = try Self.text("index.html")
        #expect(!page.contains("style=") && !page.contains("onload") && !page.contains("<style"))
        #expect(page.components(separatedBy: "<script").count == 2)
    }

    /// What the first view needs is asked for at once, and not file after file as each is read.
    @Test func `are named by the page as far as its first view needs them`() throws {
        var (needed, open): (Set<String>, [String]) = ([], ["app.js", "pages/overview.js"])
        while let path = open.popLast() {
            guard needed.insert(path).inserted else { continue }
            let place = try #require(URL(string: "file:///\(path)"))
            for line in try Self.text(path).matches(of: /(?m)^import .* from '(\.[^']+)';$/) {
                let found = try #require(URL(string: String(line.1), relativeTo: place))
                open.append(String(found.absoluteURL.standardized.path.dropFirst()))
            }
        }
        let named = try Self.text("index.html").matches(
            of: /(?:modulepreload" href|module" src)="([^"]+)"/)
        #expect(named.map { String($0.1) }.sorted() == needed.sorted())
    }
}
