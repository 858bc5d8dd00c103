import DurableFiles
import Foundation
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

/// Root works on the stopped store of a service that isn't root.
@Suite(
    "Files that root makes", .timeLimit(.minutes(15)),
    .enabled(if: geteuid() == 0, "giving files away needs root")) struct OwnerTests
{
    private static let user: uid_t = 65534
    private let folder = StoreFolder()

    private func makeFolder(_ folder: StoreFolder) throws {
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: false)
        #expect(chown(folder.url.path, Self.user, Self.user) == 0)
    }

    private func expectOwner(
        _ place: StoreFolder, location: SourceLocation = #_sourceLocation
    ) throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: place.url.path)
        #expect(names.contains("registry.sqlite"), sourceLocation: location)
        for name in names {
            var found = stat()
            let path = place.url.appendingPathComponent(name).path
            #expect(lstat(path, &found) == 0, sourceLocation: location)
            #expect(
                found.st_uid == Self.user && found.st_gid == Self.user, "\(name)",
                sourceLocation: location)
            #expect(
                found.st_mode & 0o077 == 0, "\(name): \(String(found.st_mode, radix: 8))",
                sourceLocation: location)
        }
    }

    @Test func `of a store belong to whom the store belongs`() async throws {
        try makeFolder(folder)
        let store = try folder.open()
        try await store.run(new("a.example"))
        try expectOwner(folder)
        let backup = try folder.write(try await store.backup())
        await store.close()
        #expect(folder.mark != StoreMarkFile.Contents.none)
        try expectOwner(folder)
        // As they'd come from another machine.
        for path in [folder.markPath, folder.url.path + "/lock"] { unlink(path) }
        _ = try EpochRenewal.run(in: folder.url)
        try expectOwner(folder)
        let report = try await StoreRestore.run(
            backup, into: folder.url, replacing: true, now: folder.clock.value)
        #expect(report.kept != nil)
        try expectOwner(folder)
    }

    @Test func `for a copy belong to whom its folder belongs`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        await store.close()
        let target = StoreFolder()
        try makeFolder(target)
        let source = try SQLiteCopySource(folder: folder.url)
        let copy = try SQLiteCopyTarget(folder: target.url, now: folder.clock.value)
        _ = try await CopyRun(from: source, to: copy) { _, _ in }.run()
        source.close()
        try expectOwner(target)
    }

    @Test func `and that are closed to others are refused with what to do`() throws {
        let refusal = StoreFiles.refused(
            FileFailure("/data/registry.sqlite-mark", "opened", EACCES))
        #expect(refusal.description.contains("chown --reference=/data /data/registry.sqlite-mark"))
        let other = StoreFiles.refused(FileFailure("/data/registry.sqlite-mark", "opened", EIO))
        #expect(!other.description.contains("chown"))
    }
}
