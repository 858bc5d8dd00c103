import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A service whose store was put back", .timeLimit(.minutes(15))) struct ReturnedStoreTests {
    private static func register(_ names: String..., at server: ServerProcess) async throws {
        for name in names { _ = try await server.client.register("\(name).example.com") }
    }

    /// A service that has stopped, a copy of its file from before its last two domains, and its heads.
    private struct Stopped {
        let folder: TestFolder
        let data: URL
        let copy: URL
        let early: HistoryHead
        let late: HistoryHead

        init() async throws {
            folder = try TestFolder()
            let first = try await ServerProcess.start(in: folder)
            try await ReturnedStoreTests.register("a", "b", at: first)
            early = try await first.client.historyHead()
            data = first.data
            #expect(try await first.stop() == .code(0))
            copy = folder.file("copy.sqlite")
            try FileManager.default.copyItem(at: RefusedStart.file(data), to: copy)
            let second = try await ServerProcess.start(in: folder)
            try await ReturnedStoreTests.register("c", "d", at: second)
            late = try await second.client.historyHead()
            #expect(try await second.stop() == .code(0))
        }

        /// - Parameter clean: without what lies beside the file.
        func putBack(clean: Bool) throws {
            for suffix in clean ? ["", "-wal", "-shm"] : [""] {
                unlink(RefusedStart.file(data).path + suffix)
            }
            try FileManager.default.copyItem(at: copy, to: RefusedStart.file(data))
        }

        func run(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun.run(arguments, in: folder)
        }

        func expectRefusal(_ words: String..., location: SourceLocation = #_sourceLocation)
            async throws
        {
            let before = try Data(contentsOf: RefusedStart.file(data))
            let errors = try await RefusedStart.run(data, in: folder)
            for word in words + ["epoch renew --data-dir \(data.path)", "--accept-rewind"] {
                #expect(errors.contains(word), "\(errors)", sourceLocation: location)
            }
            // Nothing else that writes takes it either.
            for arguments in [
                ["tokens", "create", "x", "--role", "admin", "--offline", "--data-dir", data.path],
                ["copy", "--from", data.path, "--to", folder.file("elsewhere").path],
            ] {
                let run = try await CommandRun.run(arguments, in: folder)
                #expect(run.exit == .code(1), sourceLocation: location)
                #expect(run.errors.contains(words[0]), "\(run.errors)", sourceLocation: location)
            }
            #expect(
                try Data(contentsOf: RefusedStart.file(data)) == before, sourceLocation: location)
            let head = try await run("verify", "--data-dir", data.path)
            #expect(head.exit == .code(0), "\(head.errors)", sourceLocation: location)
        }

        /// - Returns: the head of the service that is started after it.
        func renewAndStart() async throws -> HistoryHead {
            let renewed = try await run("epoch", "renew", "--data-dir", data.path)
            #expect(renewed.exit == .code(0), "\(renewed.errors)")
            let server = try await ServerProcess.start(in: folder)
            let head = try await server.client.historyHead()
            try await ReturnedStoreTests.register("next", at: server)
            #expect(try await server.client.verify(expecting: nil) { _ in }.isGood)
            #expect(try await server.stop() == .code(0))
            return head
        }
    }

    @Test func `starts after each end and each kill, and has its mark at what it has answered`()
        async throws
    {
        let folder = try TestFolder()
        for round in 0..<4 {
            let server = try await ServerProcess.start(in: folder)
            for number in 0..<5 {
                try await Self.register("n\(round)-\(number)", at: server)
                let head = try await server.client.historyHead()
                let mark = try String(contentsOf: RefusedStart.mark(server.data), encoding: .utf8)
                #expect(mark.contains(" \(head.epoch) "))
                #expect(mark.contains("0\(head.revision) \(head.digest.dropFirst(7)) "), "\(mark)")
            }
            if round % 2 == 0 {
                try await server.crash()
            } else {
                #expect(try await server.stop() == .code(0))
            }
        }
    }

    @Test(arguments: [true, false])
    func `refuses an older copy of the file until its epoch is renewed`(clean: Bool) async throws {
        let stopped = try await Stopped()
        try stopped.putBack(clean: clean)
        try await stopped.expectRefusal(
            "it lacks revisions that it had",
            "is at \(stopped.early.epoch).\(stopped.early.revision)",
            "says \(stopped.late.epoch).\(stopped.late.revision)")
        let head = try await stopped.renewAndStart()
        #expect(head.epoch != stopped.early.epoch && head.revision == stopped.early.revision)
    }

    @Test func `refuses an older copy beside the log of a killed service`() async throws {
        let folder = try TestFolder()
        let first = try await ServerProcess.start(in: folder)
        try await Self.register("a", at: first)
        #expect(try await first.stop() == .code(0))
        let copy = folder.file("copy.sqlite")
        try FileManager.default.copyItem(at: RefusedStart.file(first.data), to: copy)
        for number in 0..<2 {
            let next = try await ServerProcess.start(in: folder)
            try await Self.register("b\(number)", at: next)
            if number == 0 {
                #expect(try await next.stop() == .code(0))
            } else {
                try await next.crash()
            }
        }
        try FileManager.default.removeItem(at: RefusedStart.file(first.data))
        try FileManager.default.copyItem(at: copy, to: RefusedStart.file(first.data))
        let errors = try await RefusedStart.run(first.data, in: folder)
        #expect(errors.contains("isn't the log of"), "\(errors)")
    }

    @Test func `refuses a file without a mark, and one whose mark is damaged`() async throws {
        let stopped = try await Stopped()
        let mark = RefusedStart.mark(stopped.data)
        let line = try Data(contentsOf: mark)
        try FileManager.default.removeItem(at: mark)
        try await stopped.expectRefusal("which it had beside it, is missing")
        for damaged in [Data(), line.dropLast(), Data("?".utf8) + line.dropFirst()] {
            try damaged.write(to: mark)
            try await stopped.expectRefusal("says can't be read")
        }
        let head = try await stopped.renewAndStart()
        #expect(head.epoch != stopped.late.epoch && head.digest == stopped.late.digest)
    }

    @Test func `goes on where a copy of the whole folder begins`() async throws {
        let stopped = try await Stopped()
        let twin = stopped.folder.file("twin")
        let copying = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["cp", "-a", stopped.data.path, twin.path],
            outputs: stopped.folder.url)
        #expect(try await copying.waitForExit() == .code(0))
        for data in [stopped.data, twin] {
            let server = try await ServerProcess.start(in: stopped.folder, data: data)
            #expect(try await server.client.historyHead() == stopped.late)
            try await Self.register("own-\(data.lastPathComponent)", at: server)
            #expect(try await server.stop() == .code(0))
        }
        // From now on they are two.
        try FileManager.default.removeItem(at: RefusedStart.file(stopped.data))
        try FileManager.default.copyItem(
            at: RefusedStart.file(twin), to: RefusedStart.file(stopped.data))
        try await stopped.expectRefusal("its log went another way")
    }

    @Test func `takes a store of an older release, and marks it`() async throws {
        let stopped = try await Stopped()
        try await RefusedStart.unmark(stopped.data, in: stopped.folder)
        let server = try await ServerProcess.start(in: stopped.folder)
        #expect(try await server.client.historyHead() == stopped.late)
        #expect(try await server.stop() == .code(0))
        #expect(FileManager.default.fileExists(atPath: RefusedStart.mark(stopped.data).path))
        let version = try await RefusedStart.shell(
            "PRAGMA user_version", stopped.data, in: stopped.folder)
        #expect(version == "1")
        try stopped.putBack(clean: true)
        try await stopped.expectRefusal("it lacks revisions that it had")
    }

    @Test func `starts after a restore, and refuses what was there before it`() async throws {
        let folder = try TestFolder()
        let first = try await ServerProcess.start(in: folder)
        try await Self.register("a", at: first)
        let backup = folder.file("backup.sqlite")
        _ = try await first.succeed("backup", backup.path)
        try await Self.register("b", at: first)
        try await first.crash()
        let restored = try await CommandRun.run(
            ["restore", backup.path, "--data-dir", first.data.path, "--force"], in: folder)
        #expect(restored.exit == .code(0), "\(restored.errors)")
        let second = try await ServerProcess.start(in: folder)
        try await Self.register("c", at: second)
        #expect(try await second.stop() == .code(0))
        // Not by restore: the backup keeps its epoch.
        for suffix in ["", "-wal", "-shm"] {
            try FileManager.default.removeItem(
                atPath: RefusedStart.file(first.data).path + suffix)
        }
        try FileManager.default.copyItem(at: backup, to: RefusedStart.file(first.data))
        let errors = try await RefusedStart.run(first.data, in: folder)
        #expect(errors.contains("its epoch is another one"), "\(errors)")
    }
}
