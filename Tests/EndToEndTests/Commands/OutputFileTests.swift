import Foundation
import Testing

@Suite("A file that a command writes", .runningServer) struct OutputFileTests {
    /// A server that nobody answers for.
    private static let nobody = ["--server", "http://127.0.0.1:9"]

    private static func prepare(_ parent: String) async throws -> ServerProcess {
        let server = try RunningServer.current
        _ = try await server.client.register("a.\(parent)")
        return server
    }

    @Test func `is as it was where an export fails, at once or midway`() async throws {
        let server = try await Self.prepare("old.example.com")
        let folder = try TestFolder()
        let file = try folder.write("old", to: "export.csv").path
        chmod(file, 0o640)
        let atOnce = try await CommandRun.run(["export", file] + Self.nobody, in: folder)
        #expect(atOnce.exit == .code(4))
        let midway = try await server.run("export", file, "--revision", "999999999")
        #expect(midway.exit == .code(3))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "old")
        _ = try await server.succeed("export", file)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.hasPrefix("fqdn,location,tenant,mode\r\n"))
        #expect(text.contains("a.old.example.com,japan,,serve\r\n"))
        var found = stat()
        #expect(stat(file, &found) == 0 && found.st_mode & 0o777 == 0o640)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(!left.contains { $0.hasSuffix(".part") })
    }

    @Test func `on a full disk is as it was`() async throws {
        guard SmallDisk.canMount else { return }
        let server = try RunningServer.current
        try await server.client.registerAll((0..<200).map { "n\($0).full.example.com" })
        let disk = try SmallDisk(megabytes: 1)
        defer { disk.unmount() }
        let file = disk.url.appendingPathComponent("export.csv").path
        try Data("old".utf8).write(to: URL(fileURLWithPath: file))
        try disk.fill()
        let run = try await server.run("export", file)
        #expect(run.exit == .code(1) && run.errors.contains("No space left on device"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "old")
    }

    @Test func `that is a link or no file at all stays what it is`() async throws {
        let server = try await Self.prepare("special.example.com")
        let folder = try TestFolder()
        let target = try folder.write("old", to: "target").path
        let link = folder.file("link").path
        symlink("target", link)
        let device = folder.file("device").path
        let hasDevice = mknod(device, S_IFCHR | 0o666, dev_t(1 << 8 | 3)) == 0
        for path in [link, "/dev/null"] + (hasDevice ? [device] : []) {
            _ = try await server.succeed("export", path)
        }
        #expect(try String(contentsOfFile: target, encoding: .utf8).contains("special"))
        var found = stat()
        #expect(lstat(link, &found) == 0 && found.st_mode & S_IFMT == S_IFLNK)
        for path in ["/dev/null"] + (hasDevice ? [device] : []) {
            #expect(lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFCHR)
        }
        let piped = try await server.succeed("export", "/dev/stdout")
        #expect(piped.output.contains("a.special.example.com"))
        if hasDevice {
            let backup = try await server.run("backup", device, "--force")
            #expect(backup.exit == .code(1) && backup.errors.contains("no regular file"))
            #expect(lstat(device, &found) == 0 && found.st_mode & S_IFMT == S_IFCHR)
        }
    }

    @Test(arguments: [["export"], ["backup", "--force"]])
    func `says why it can't be written`(command: [String]) async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        for (path, why) in [
            (folder.url.path, command[0] == "export" ? "Is a directory" : "no regular file"),
            (folder.file("missing/file").path, "No such file or directory"),
        ] {
            let run = try await server.run(command + [path])
            #expect(run.exit == .code(command[0] == "export" ? 2 : 1))
            #expect(run.errors.contains(why), "\(run.errors)")
        }
    }

    @Test func `with the first token can't be prepared by somebody else`() async throws {
        let folder = try TestFolder()
        let precious = try folder.write("precious", to: "precious").path
        mkdir(folder.file("data").path, 0o700)
        for name in ["admin-token.new", "admin-token.tmp"] {
            symlink(precious, folder.file("data/\(name)").path)
        }
        let server = try await ServerProcess.start(in: folder)
        #expect(server.adminToken.hasPrefix("trk_"))
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
        var found = stat()
        #expect(stat(server.data.appendingPathComponent("admin-token").path, &found) == 0)
        #expect(found.st_mode & 0o777 == 0o600)
    }
}
