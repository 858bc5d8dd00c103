import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A full disk", .enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"))
struct StorageFullTests {
    @Test func `refuses writes, keeps answering, and ends once there is room again`() async throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let folder = try TestFolder()
        let data = disk.url.appendingPathComponent("data")
        let server = try await ServerProcess.start(in: folder, data: data)
        let registry = server.client
        var acknowledged = try await Self.register(0..<10, registry)
        let before = try await Observation(of: registry)

        try disk.fill()
        var refused: [String] = []
        for number in 100..<110 {
            let name = "full\(number).example.com"
            let refusal = await Self.refusal { try await registry.register(name) }
            #expect(refusal?.status == 507)
            #expect(refusal?.code == "storage-full")
            refused.append(name)
        }
        let batch = (0..<1000).map {
            BatchRegistration.Row(fqdn: "full\($0).example.org")
        }
        #expect(
            await Self.refusal { try await registry.registerBatch(batch, note: .init()) }?.code
                == "storage-full")
        #expect(
            await Self.refusal { try await registry.release("n1.example.com", note: .init()) }?.code
                == "storage-full")

        #expect(try await registry.send(.GET, "/readyz").status == 200)
        #expect(try await registry.domain("n1.example.com").value == acknowledged[1])
        for name in refused {
            #expect(await Self.refusal { try await registry.domain(name) }?.status == 404)
        }
        let during = try await Observation(of: registry)
        #expect(during.head == before.head)
        #expect(during.domains == before.domains)
        #expect(during.history == before.history)

        try disk.makeRoom()
        acknowledged += try await Self.register(10..<30, registry)
        let reused = try await registry.register(refused[0])
        acknowledged.append(reused)
        try await server.crash()

        let next = try await ServerProcess.start(in: folder, data: data)
        let after = try await Observation(of: next.client)
        #expect(after.contradictions == [])
        #expect(
            after.domains
                == Dictionary(uniqueKeysWithValues: acknowledged.map { ($0.fqdn.text, $0) }))
        try await next.crash()
    }

    /// What can only not be written can be read, whatever ended the process.
    @Test func `keeps nobody from starting again, and from being answered`() async throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let folder = try TestFolder()
        let data = disk.url.appendingPathComponent("data")
        let server = try await ServerProcess.start(in: folder, data: data)
        let registered = try await Self.register(0..<10, server.client)
        let before = try await server.client.historyHead()
        try disk.fill()
        var refused = 0
        while refused < 3 {
            let name = "full\(refused).example.com"
            let refusal = await Self.refusal { try await server.client.register(name) }
            #expect(refusal?.status == 507)
            refused += 1
        }
        try await server.crash()

        let next = try await ServerProcess.start(in: folder, data: data)
        #expect(try await next.client.historyHead() == before)
        #expect(try await next.client.domain("n1.example.com").value == registered[1])
        let refusal = await Self.refusal { try await next.client.register("full.example.com") }
        #expect(refusal?.status == 507)
        try disk.makeRoom()
        _ = try await next.client.register("later.example.com")
        let head = try await next.client.historyHead()
        let mark = try String(
            contentsOf: data.appendingPathComponent("registry.sqlite-mark"), encoding: .utf8)
        #expect(mark.contains("0\(head.revision) \(head.digest.dropFirst(7)) "), "\(mark)")
        #expect(try await next.stop() == .code(0))
    }

    private static func register(
        _ numbers: Range<Int>, _ registry: RegistryClient
    ) async throws -> [Domain] {
        var domains: [Domain] = []
        for number in numbers {
            domains.append(try await registry.register("n\(number).example.com"))
        }
        return domains
    }

    private static func refusal<Value>(_ call: () async throws -> Value) async -> Refusal? {
        do {
            _ = try await call()
            return nil
        } catch ClientError.refused(let refusal) {
            return refusal
        } catch {
            Issue.record(error)
            return nil
        }
    }
}

extension RegistryClient {
    func register(_ fqdn: String) async throws -> Domain {
        try #require(try await register(DomainRegistration(fqdn: fqdn)).value.domain)
    }
}

/// A real file system, of six megabytes unless told otherwise.
struct SmallDisk {
    struct Failed: Error {
        let errno: Int32
    }

    let url: URL
    private let folder: TestFolder

    static let canMount: Bool = {
        guard let disk = try? SmallDisk() else { return false }
        disk.unmount()
        return true
    }()

    init(megabytes: Int = 6) throws {
        folder = try TestFolder()
        url = folder.file("disk")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        guard mount("tmpfs", url.path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            throw Failed(errno: errno)
        }
    }

    /// Until not one more byte fits.
    func fill() throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(descriptor) }
        for size in [65_536, 1] {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(descriptor, zeros, size) == size {}
        }
        guard errno == ENOSPC else { throw Failed(errno: errno) }
    }

    func makeRoom() throws {
        try FileManager.default.removeItem(atPath: filler)
    }

    private var filler: String { url.appendingPathComponent("filler").path }

    func unmount() {
        umount2(url.path, Int32(MNT_DETACH))
    }
}

/// A file that is mounted on itself.
enum MountedFile {
    private static let bindFlag: UInt = 4096

    static func bind(_ file: URL) throws {
        guard mount(file.path, file.path, nil, bindFlag, nil) == 0 else {
            throw SmallDisk.Failed(errno: errno)
        }
    }

    static func free(_ file: URL) {
        umount2(file.path, Int32(MNT_DETACH))
    }
}
