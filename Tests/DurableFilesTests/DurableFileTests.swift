import DurableFiles
import Foundation
import Testing

@Suite("A durable file") struct DurableFileTests {
    private let folder = TestFolder()

    @Test func `is there whole when it's kept, and not before`() throws {
        let path = folder.path("a")
        let file = try DurableFile(path, .fixed(0o600))
        try file.write("one ".utf8)
        try file.sync()
        #expect(!FileManager.default.fileExists(atPath: path))
        try file.write("two".utf8)
        try file.keep()
        #expect(folder.text("a") == "one two" && file.count == 7)
        #expect(folder.names == ["a"])
    }

    @Test func `that isn't kept leaves the old one and nothing else`() throws {
        folder.write("old", to: "a")
        do {
            let file = try DurableFile(folder.path("a"), .kept(otherwise: 0o644))
            try file.write(Array(repeating: 0x78, count: 1 << 20))
            #expect(folder.names.count == 2)
        }
        #expect(folder.text("a") == "old" && folder.names == ["a"])
    }

    @Test(arguments: [mode_t(0o600), 0o640, 0o604])
    func `keeps the mode of the one that is there`(mode: mode_t) throws {
        folder.write("old", to: "a")
        chmod(folder.path("a"), mode)
        try DurableFile.write("new".utf8, to: folder.path("a"), .kept(otherwise: 0o666))
        #expect(folder.text("a") == "new" && folder.status("a").st_mode & 0o777 == mode)
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func `keeps the owner of the one that is there`() throws {
        folder.write("old", to: "a")
        chown(folder.path("a"), 1234, 2345)
        try DurableFile.write("new".utf8, to: folder.path("a"), .kept(otherwise: 0o644))
        let found = folder.status("a")
        #expect(found.st_uid == 1234 && found.st_gid == 2345)
    }

    @Test func `for a secret is its writer's alone, whatever was there`() throws {
        folder.write("old", to: "a")
        chmod(folder.path("a"), 0o644)
        if geteuid() == 0 { chown(folder.path("a"), 1234, 1234) }
        let file = try DurableFile(folder.path("a"), .fixed(0o600))
        try file.write("new".utf8)
        try file.flush()
        let temporary = try #require(file.temporaryPath)
        #expect(TestFolder.status(of: temporary).st_mode & 0o777 == 0o600)
        try file.keep()
        let found = folder.status("a")
        #expect(found.st_mode & 0o777 == 0o600 && found.st_uid == geteuid())
    }

    @Test func `has no name that somebody could have prepared`() throws {
        let names = try (0..<20).map { _ in
            try #require(try DurableFile(folder.path("a"), .fixed(0o600)).temporaryPath)
        }
        #expect(Set(names).count == 20)
        // What used to be written: a link there would lead anywhere.
        folder.write("precious", to: "elsewhere")
        for name in ["a.new", "a.tmp", "a.part", ".a.part"] {
            symlink(folder.path("elsewhere"), folder.path(name))
        }
        try DurableFile.write("new".utf8, to: folder.path("a"), .fixed(0o600))
        #expect(folder.text("elsewhere") == "precious" && folder.text("a") == "new")
    }

    @Test func `takes a name of 255 bytes, in any script`() throws {
        for name in [String(repeating: "n", count: 255), String(repeating: "名", count: 85)] {
            try DurableFile.write("new".utf8, to: folder.path(name), .fixed(0o600))
            #expect(folder.text(name) == "new")
        }
    }

    @Test func `clears away what a killed process left, and nothing that is being written`() throws
    {
        let living = try DurableFile(folder.path("a"), .fixed(0o600))
        try living.write("living".utf8)
        folder.write("left", to: ".a-0123456789abcdef.part")
        let others = [".a-0123456789abcdeg.part", ".a-0123.part", ".b-0123456789abcdef.part"]
        for name in others { folder.write("others'", to: name) }
        folder.write("precious", to: "elsewhere")
        symlink(folder.path("elsewhere"), folder.path(".a-00000000000000ff.part"))

        try DurableFile.write("new".utf8, to: folder.path("a"), .fixed(0o600))
        #expect(!folder.names.contains(".a-0123456789abcdef.part"))
        #expect(folder.names.isSuperset(of: others) && folder.text("elsewhere") == "precious")
        try living.keep()
        #expect(folder.text("a") == "living")
    }

    @Test func `of a link's replaces the target, and the link stays`() throws {
        folder.write("old", to: "target")
        mkdir(folder.path("below"), 0o755)
        symlink("../target", folder.path("below/link"))
        symlink(folder.path("below/link"), folder.path("link"))
        try DurableFile.write("new".utf8, to: folder.path("link"), .kept(otherwise: 0o644))
        #expect(folder.text("target") == "new")
        for name in ["link", "below/link"] {
            #expect(folder.status(name).st_mode & S_IFMT == S_IFLNK)
        }
        // One that leads nowhere yet makes the file there.
        symlink("new-target", folder.path("dangling"))
        try DurableFile.write("made".utf8, to: folder.path("dangling"), .kept(otherwise: 0o644))
        #expect(folder.text("new-target") == "made")
        symlink("loop", folder.path("loop"))
        #expect(folder.failure("loop") == ELOOP)
    }

    @Test(.enabled(if: geteuid() == 0, "other people's links need root"))
    func `doesn't follow a stranger's link in a folder for everybody`() throws {
        mkdir(folder.path("shared"), 0o777)
        chmod(folder.path("shared"), 0o1777)
        folder.write("precious", to: "elsewhere")
        symlink(folder.path("elsewhere"), folder.path("shared/link"))
        lchown(folder.path("shared/link"), 1234, 1234)
        #expect(folder.failure("shared/link") == EACCES)
        #expect(folder.text("elsewhere") == "precious")
    }

    @Test func `says why it can't be`() throws {
        mkdir(folder.path("folder"), 0o755)
        #expect(folder.failure("folder") == EISDIR && folder.failure("folder/") == EISDIR)
        #expect(folder.failure("missing/a") == ENOENT && folder.failure("new/") == EISDIR)
        folder.write("file", to: "file")
        #expect(folder.failure("file/a") == ENOTDIR)
        #expect(throws: FileFailure("", "written", ENOENT)) { try DurableFile("", .fixed(0o600)) }
        let failure = FileFailure("/some/where", "written", EACCES)
        #expect(failure.description == "/some/where can't be written: Permission denied")
    }
}
