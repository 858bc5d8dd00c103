import AsyncHTTPClient
import Foundation
import Testing

/// Runs a program of the system, and gives what it wrote.
struct Tool {
    var status: Int32
    var output: [UInt8]

    var text: String { String(decoding: output, as: UTF8.self) }

    init(_ name: String, _ arguments: [String], input: [UInt8] = []) throws {
        let folder = try Folder()
        try Data(input).write(to: folder.file("input"))
        _ = FileManager.default.createFile(atPath: folder.file("output").path, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = try FileHandle(forReadingFrom: folder.file("input"))
        let output = try FileHandle(forWritingTo: folder.file("output"))
        process.standardOutput = output
        process.standardError = output
        process.environment = [
            "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
        ]
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        self.output = Array(try Data(contentsOf: folder.file("output")))
    }

    /// A folder that goes away with this value.
    final class Folder {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("registry-tool-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        func file(_ name: String) -> URL { url.appendingPathComponent(name) }
    }
}

func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let tool = try Tool("gzip", ["-dc"], input: bytes)
    try #require(tool.status == 0)
    return tool.output
}

extension RunningRegistry {
    /// An answer that isn't what openapi.yaml says of its content: compressed.
    func getRaw(_ target: String, _ headers: [(String, String)]) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(target)")
        request.headers.add(name: "Authorization", value: "Bearer \(token(.reader))")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .minutes(1))
        let body = try await response.body.collect(upTo: 64 * 1024 * 1024)
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(body.readableBytesView))
    }
}
