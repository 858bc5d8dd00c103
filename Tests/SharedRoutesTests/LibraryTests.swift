import CTenantRoutes
import Foundation
import RegistryModel
import RoutingTable
import TableSamples
import Testing

@testable import SharedRoutes

/// The library as other people's proxies load it.
@Suite("libtenantroutes", .timeLimit(.minutes(15))) struct LibraryTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private struct Run {
        var process = Process()
        let output = Pipe()
        let errors = Pipe()

        init(_ arguments: [String], environment: [String: String] = [:]) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = arguments
            process.currentDirectoryURL = LibraryTests.root
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardOutput = output
            process.standardError = errors
            try process.run()
        }

        /// - Returns: what it has written.
        func succeed() throws -> String {
            let text = String(
                decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            let said = errors.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            try #require(
                process.terminationStatus == 0, "\(text) \(String(decoding: said, as: UTF8.self))")
            return text
        }
    }

    /// Made once, by `make library`'s script.
    private static let library = Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "library-\(UUID().uuidString)")
        _ = try Run(["scripts/library", folder.path]).succeed()
        _ = try Run([
            "cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-D_POSIX_C_SOURCE=200809L",
            "-I\(folder.path)/include", "Tests/Programs/routes-reader.c",
            "-L\(folder.path)/lib", "-ltenantroutes", "-Wl,-rpath,\(folder.path)/lib", "-o",
            "\(folder.path)/routes-reader",
        ]).succeed()
        return folder
    }

    @Test func `shows its functions alone, and needs the C library alone`() throws {
        let library = try Self.library.get().appendingPathComponent("lib/libtenantroutes.so.1").path
        let shown = try Run(["nm", "-D", "--defined-only", "--format=just-symbols", library])
            .succeed()
        #expect(
            shown.split(separator: "\n").sorted() == [
                "tr_close", "tr_find", "tr_open", "tr_status",
            ])
        let needed = try Run(["readelf", "-d", library]).succeed().split(separator: "\n").filter {
            $0.contains("NEEDED")
        }
        #expect(needed.count == 1 && needed[0].contains("libc.so.6"), "\(needed)")
        // What nobody calls isn't asked for: it would take a newer one.
        let called = try Run(["nm", "-D", "--undefined-only", "--format=just-symbols", library])
            .succeed()
        #expect(!called.contains("arc4random"), "\(called)")
    }

    @Test(arguments: ["5.3", "5.4"])
    func `is a module of Lua that shows one function, and needs Lua and the C library alone`(
        lua: String
    ) throws {
        let module = try Self.library.get().appendingPathComponent("lib/lua/\(lua)/tenantroutes.so")
            .path
        let shown = try Run(["nm", "-D", "--defined-only", "--format=just-symbols", module])
            .succeed()
        #expect(shown.split(separator: "\n") == ["luaopen_tenantroutes"])
        let wanted = try Run(["nm", "-D", "--undefined-only", "--format=just-symbols", module])
            .succeed()
        let others = wanted.split(separator: "\n").filter {
            !$0.contains("@GLIBC") && !$0.hasPrefix("lua_") && !$0.hasPrefix("luaL_")
                && !$0.hasPrefix("_ITM_") && $0 != "__gmon_start__"
        }
        #expect(others.isEmpty, "\(others)")
        let needed = try Run(["readelf", "-d", module]).succeed().split(separator: "\n").filter {
            $0.contains("NEEDED")
        }
        #expect(needed.count == 1 && needed[0].contains("libc.so.6"), "\(needed)")
    }

    @Test(arguments: ["5.3", "5.4"])
    func `says in Lua where hosts live, and by whose word`(lua: String) throws {
        let modules = try Self.library.get().appendingPathComponent("lib/lua/\(lua)").path
        func said(_ path: String, _ hosts: String...) throws -> [Substring] {
            try Run(
                ["lua\(lua)", "Tests/Programs/routes-module.lua", path] + hosts,
                environment: ["LUA_CPATH": "\(modules)/?.so"]
            ).succeed().split(separator: "\n")
        }
        let folder = try RoutesFolder()
        #expect(try said(folder.path, "a.example.com") == ["nil absent /not-ready"])
        try folder.write(Array("no routes".utf8), to: folder.path)
        #expect(try said(folder.path, "a.example.com") == ["nil invalid /not-ready"])

        let names = ["a.example.com", "b.example.com", "c.example.com"]
        let modes = [Mode.serve, .readOnly, .reject]
        let shared = try folder.share()
        shared.load(
            zip(names, modes).enumerated().map { number, pair in
                var domain = domain(
                    number, at: number == 1 ? aws : japan, mode: pair.1, revision: 7)
                domain.fqdn = FQDN(canonical: pair.0)
                return domain
            }, revision: 7)
        #expect(
            try said(
                folder.path, "A.Example.COM.:443", names[1], names[2], "nobody.example.com",
                "a.b\u{e9}"
            ) == [
                "\(epoch) 7 3 true", "japan:serve japan http://japan.internal serve false 7",
                "aws:read_only aws http://aws.internal read_only false 7",
                "japan:reject japan http://japan.internal reject false 7",
                "/nobody nil unknown", "/nobody nil unknown",
            ])

        // A fence, as a writer would put it: it counts when the lease is over.
        var bytes = try folder.bytes()
        let name = try #require(bytes.firstRange(of: Array(names[0].utf8))).lowerBound
        let record = name - RoutesFormat.recordHead
        bytes[record] |= 1 << 1
        bytes[record + 8] |= 1 << 1
        let fenced = folder.other("fenced")
        try folder.write(bytes, to: fenced)
        #expect(
            try said(fenced, names[0])[1]
                == "japan:read_only japan http://japan.internal read_only true 7")
        let leaseEnd = RoutesFormat.Field.leaseEnd
        bytes.replaceSubrange(leaseEnd..<leaseEnd + 8, with: repeatElement(0xff, count: 8))
        try folder.write(bytes, to: fenced)
        #expect(
            try said(fenced, names[0])[1] == "japan:serve japan http://japan.internal serve false 7"
        )
        // One that is being mended says nothing of anybody.
        bytes[RoutesFormat.Field.state] = UInt8(RoutesFormat.State.mending)
        try folder.write(bytes, to: fenced)
        #expect(try said(fenced, names[0])[1] == "/not-ready nil not ready")
    }

    /// Where its headers are absent, all else is made.
    @Test func `does without Lua where that isn't there`() throws {
        let folder = try RoutesFolder()
        let process = try Run(
            ["scripts/library", folder.other("library")],
            environment: ["LUA_INCLUDE": folder.url.path])
        let said = String(
            decoding: process.errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.process.waitUntilExit()
        #expect(process.process.terminationStatus == 0)
        #expect(said.contains("liblua5.3-dev") && said.contains("liblua5.4-dev"), "\(said)")
        let made = FileManager.default.fileExists(atPath:)
        #expect(made(folder.other("library/lib/libtenantroutes.so.1")))
        #expect(!made(folder.other("library/lib/lua")))
    }

    @Test func `shows Envoy what it calls, and needs of it what it has, and the C library alone`()
        throws
    {
        let module = try Self.library.get().appendingPathComponent("lib/libtenantroutes_envoy.so")
            .path
        func symbols(_ which: String) throws -> [Substring] {
            try Run(["nm", "-D", which, "--format=just-symbols", module]).succeed()
                .split(separator: "\n")
        }
        let shown = try symbols("--defined-only")
        #expect(
            shown.count == 21
                && shown.allSatisfy { $0.hasPrefix("envoy_dynamic_module_on_") }, "\(shown)")
        // Those of the C library have its version behind them.
        let needed = try symbols("--undefined-only").filter {
            !$0.contains("@") && !$0.hasPrefix("_ITM_") && $0 != "__gmon_start__"
        }
        let prefix = "envoy_dynamic_module_callback_"
        #expect(
            needed.sorted() == [
                "\(prefix)http_clear_route_cache", "\(prefix)http_get_header",
                "\(prefix)http_send_response", "\(prefix)http_set_header", "\(prefix)log",
            ])
    }

    /// While files are replaced and their writer is another one again and again. One process sleeps meanwhile, wherever it
    /// stands.
    @Test(arguments: [(processes: 2, revisions: Int64(3_000)), (32, 1_000)])
    func `sees revisions whole, in other processes`(
        processes: Int, revisions: Int64
    ) throws {
        let program = try Self.library.get().appendingPathComponent("routes-reader").path
        let folder = try RoutesFolder()
        let count = 100
        func all(_ revision: Int64) -> [Domain] {
            (0..<count).map { number in
                var domain = domain(
                    number, at: revision % 2 == 0 ? aws : japan, revision: revision)
                domain.fqdn = FQDN(canonical: "n-\(number).example.com")
                return domain
            }
        }
        var shared: SharedTable? = try folder.share()
        shared?.load(all(1), revision: 1)
        let stop = folder.other("stop")
        let readers = try (0..<2).map { _ in
            try Run(["nice", "-n", "19", program, folder.path, "\(count)", stop, "\(processes)"])
        }
        let sleeper = try Run(["nice", "-n", "19", program, folder.path, "\(count)", stop, "1"])
        defer { (readers + [sleeper]).forEach { $0.process.terminate() } }
        for revision in Int64(2)...revisions {
            if revision % 250 == 0 {
                let signal = revision % 500 == 0 ? SIGCONT : SIGSTOP
                kill(sleeper.process.processIdentifier, signal)
            }
            let new = (0..<10).map { domain(Int(revision) * 10 + $0, revision: revision) }
            let changes = RevisionChanges(
                revision: Revision(revision), domains: (all(revision) + new).map { .set($0) })
            // A page that is read and comes to nothing, now and then.
            if revision % 3 == 0 { shared?.beginStage().add(changes) }
            #expect(shared?.apply(changes) == true)
            guard revision % 500 == 0 else { continue }
            shared = nil
            let next = try folder.share()
            next.load(all(revision), revision: revision)
            shared = next
        }
        #expect(shared?.covers(at(revisions)) == true)
        try folder.write([], to: stop)
        for reader in readers + [sleeper] {
            let said = try reader.succeed()
            #expect(said.contains("reads"), "\(said)")
        }
    }

    /// The functions of this build, with what a C program may send by mistake.
    @Test func `takes null pointers for nothing`() {
        var answer = tr_answer()
        #expect(tr_find(nil, "a.b", 3, &answer) == TR_UNKNOWN)
        var state = tr_state()
        #expect(tr_status(nil, &state) == TR_NOT_READY)
        tr_close(nil)
        var routes: OpaquePointer?
        #expect(tr_open("/nowhere/at/all", &routes) == TR_ABSENT)
        #expect(tr_open(nil, &routes) == TR_ABSENT && routes == nil)
    }
}
