import DurableFiles
import Foundation
import Testing

@Suite("What is no regular file", .serialized) struct SpecialFileTests {
    private let folder = TestFolder()

    @Test func `as a pipe, is written into`() throws {
        let path = folder.path("pipe")
        mkfifo(path, 0o600)
        // Open at both ends: writing needn't wait for a reader.
        let reader = open(path, O_RDWR | O_CLOEXEC)
        defer { close(reader) }
        try DurableFile.write("into it".utf8, to: path, .fixed(0o600))
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(reader, &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(count), as: UTF8.self) == "into it")
        #expect(folder.status("pipe").st_mode & S_IFMT == S_IFIFO)
        #expect(folder.names == ["pipe"])
    }

    @Test(.enabled(if: SpecialFileTests.makesDevices, "making a device node needs root"))
    func `as a device, stays one`() throws {
        let path = folder.path("null")
        #expect(mknod(path, S_IFCHR | 0o666, Self.nullDevice) == 0)
        symlink(path, folder.path("link"))
        for name in ["null", "link"] {
            let file = try DurableFile(folder.path(name), .kept(otherwise: 0o644))
            #expect(file.temporaryPath == nil)
            try file.write(Array(repeating: 0, count: 1 << 18))
            try file.keep()
            _ = try DurableFile(folder.path(name), .fixed(0o600))
        }
        #expect(folder.status("null").st_mode & S_IFMT == S_IFCHR)
        #expect(folder.names == ["null", "link"])
    }

    @Test(.enabled(if: SpecialFileTests.makesDevices, "making a device node needs root"))
    func `that is full says so`() throws {
        let path = folder.path("full")
        #expect(mknod(path, S_IFCHR | 0o666, Self.fullDevice) == 0)
        #expect(throws: FileFailure(path, "written", ENOSPC)) {
            try DurableFile.write("x".utf8, to: path, .fixed(0o600))
        }
        #expect(folder.status("full").st_mode & S_IFMT == S_IFCHR)
    }

    @Test func `as a socket, isn't replaced`() throws {
        let path = folder.path("socket")
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) == 0 }
        }
        try #require(isBound)
        #expect(throws: FileFailure.self) {
            try DurableFile.write("x".utf8, to: path, .fixed(0o600))
        }
        #expect(folder.status("socket").st_mode & S_IFMT == S_IFSOCK)
    }

    @Test(arguments: ["/dev/fd", "/proc/self/fd"])
    func `as a descriptor of this process, goes on where that one is`(place: String) throws {
        let path = folder.path("a")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        write(descriptor, "before, ", 8)
        symlink("\(place)/\(descriptor)", folder.path("link"))
        for name in ["\(place)/\(descriptor)", folder.path("link")] {
            try DurableFile.write("after. ".utf8, to: name, .fixed(0o600))
        }
        #expect(folder.text("a") == "before, after. after. ")
    }

    private static let nullDevice = dev_t(1 << 8 | 3)
    private static let fullDevice = dev_t(1 << 8 | 7)

    /// Some containers give root no devices.
    private static let makesDevices: Bool = {
        let path = TestFolder().path("probe")
        defer { unlink(path) }
        guard mknod(path, S_IFCHR | 0o666, nullDevice) == 0 else { return false }
        let file = open(path, O_WRONLY)
        defer { close(file) }
        return file >= 0
    }()
}

@Suite("A disk", .enabled(if: geteuid() == 0, "mounting a small tmpfs needs root"), .serialized)
struct DiskTests {
    private let folder = TestFolder()

    @Test func `that is full, at once or midway, leaves the old file and nothing else`() throws {
        let disk = folder.path("disk")
        mkdir(disk, 0o755)
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=1m") == 0)
        defer { umount(disk) }
        folder.write("old", to: "disk/a")
        for size in [2 << 20, 3 << 19] {
            #expect(throws: FileFailure(disk + "/a", "written", ENOSPC)) {
                try DurableFile.write(
                    Array(repeating: 0x78, count: size), to: disk + "/a", .kept(otherwise: 0o644))
            }
            #expect(folder.text("disk/a") == "old")
            #expect(folder.entries("disk") == ["a"])
        }
        try DurableFile.write("new".utf8, to: disk + "/a", .kept(otherwise: 0o644))
        #expect(folder.text("disk/a") == "new")
    }

    @Test func `that may only be read says so`() throws {
        let disk = folder.path("disk")
        mkdir(disk, 0o755)
        try #require(mount("tmpfs", disk, "tmpfs", UInt(MS_RDONLY), "size=1m") == 0)
        defer { umount(disk) }
        #expect(folder.failure("disk/a") == EROFS)
    }
}
