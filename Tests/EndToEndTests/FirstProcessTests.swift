import Foundation
import TestProcesses
import Testing

/// A process that is the first one of a namespace of its own, as in a container.
private struct Container {
    let folder: TestFolder
    /// `unshare`, which ends as its child does.
    let process: ChildProcess
    /// The first process, as it's called outside.
    let first: pid_t

    init(_ arguments: [String], in folder: TestFolder) async throws {
        self.folder = folder
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/unshare"),
            ["--pid", "--fork", "--mount-proc", "--kill-child", TenantRegistryBinary.url.path]
                + arguments, outputs: folder.url)
        self.process = process
        first = try await poll("the first process: \(process.errors)") { () -> pid_t? in
            guard process.isRunning else {
                throw ServerProcess.EndedEarly(errors: process.errors)
            }
            return Self.children(of: process.pid).first
        }
    }

    static func children(of pid: pid_t) -> [pid_t] {
        let file = "/proc/\(pid)/task/\(pid)/children"
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    static func commandLine(of pid: pid_t) -> String {
        (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
    }

    static func name(of pid: pid_t) -> String? {
        try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
            .trimmingCharacters(in: .newlines)
    }

    func listening() async throws {
        _ = try await poll("listening: \(process.errors)") { () -> Bool? in
            LogLine.all(in: process.errors).contains { $0.announces == "api" } ? true : nil
        }
    }

    /// Only a machine's root makes such namespaces.
    static let isPossible: Bool = {
        guard geteuid() == 0, let folder = try? TestFolder() else { return false }
        let process = try? TestProcess.start(
            ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "true"], environment: [:],
            TestProcess.Streams(output: folder.file("out").path))
        return process.map { $0.wait() == .code(0) } ?? false
    }()
}

@Suite("Process 1", .enabled(if: Container.isPossible, "namespaces need root"))
struct
    FirstProcessTests
{
    private static func arguments(_ command: String, _ folder: TestFolder) -> [String] {
        let own =
            command == "serve"
            ? ["--data-dir", folder.file("data").path]
            : [
                "--state-dir", folder.file("state").path, "--upstream", "http://127.0.0.1:1",
                "--name", "edge",
            ]
        return [command, "--listen", "127.0.0.1:0", "--drain-seconds", "0"] + own
    }

    @Test(arguments: ["serve", "agent"])
    func `clears away whoever has lost its parent`(command: String) async throws {
        let folder = try TestFolder()
        let container = try await Container(Self.arguments(command, folder), in: folder)
        try await container.listening()
        let orphans = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/nsenter"),
            [
                "--target", "\(container.first)", "--pid", "--mount", "sh", "-c",
                "for n in 1 2 3; do sleep 0.1 & done; echo begun",
            ], outputs: folder.url)
        #expect(try await orphans.waitForExit() == .code(0))
        #expect(orphans.output == "begun\n")
        let left = try await poll("the orphans are cleared away") { () -> [String?]? in
            let names = Container.children(of: container.first).map { Container.name(of: $0) }
            return names == ["tenant-registry"] ? names : nil
        }
        #expect(left.count == 1)
        kill(container.first, SIGTERM)
        #expect(try await container.process.waitForExit() == .code(0))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `stops in order when it's told to`(signal: Int32) async throws {
        let folder = try TestFolder()
        let container = try await Container(Self.arguments("serve", folder), in: folder)
        try await container.listening()
        kill(container.first, signal)
        #expect(try await container.process.waitForExit() == .code(0))
        #expect(container.process.errors.contains("stopping"))
    }

    @Test func `ends as the service does`() async throws {
        let folder = try TestFolder()
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/unshare"),
            [
                "--pid", "--fork", "--mount-proc", TenantRegistryBinary.url.path, "serve",
                "--listen", "nonsense",
            ], outputs: folder.url)
        #expect(try await process.waitForExit() == .code(2))
        #expect(process.errors.contains("HOST:PORT"))
    }

    @Test func `shows no password, neither of its own nor its child's`() async throws {
        let folder = try TestFolder()
        let container = try await Container(
            [
                "serve", "--listen", "127.0.0.1:0", "--store",
                "postgres://u:s3cret@127.0.0.1:1/none", "--store-wait", "60",
            ], in: folder)
        let child = try await poll("the service is started anew") { () -> pid_t? in
            Container.children(of: container.first).first {
                let line = Container.commandLine(of: $0)
                return line.contains("serve") && !line.contains("s3cret")
            }
        }
        #expect(Container.commandLine(of: container.first).hasPrefix("/"))
        #expect(!Container.commandLine(of: container.first).contains("s3cret"))
        #expect(!Container.commandLine(of: child).contains("s3cret"))
        kill(container.first, SIGTERM)
        try await container.process.waitForExit()
    }
}
