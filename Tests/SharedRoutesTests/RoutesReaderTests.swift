import CTenantRoutes
import Foundation
import RegistryModel
import RoutingTable
import Synchronization
import TableSamples
import TestRandom
import Testing

@testable import SharedRoutes

@Suite("A reader of shared routes") struct RoutesReaderTests {
    private static let all = (0..<300).map { domain($0, revision: 1) }

    private static func file() throws -> (RoutesFolder, SharedTable) {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load(all, revision: 1)
        return (folder, shared)
    }

    @Test func `reads hosts as visitors send them`() throws {
        let (folder, shared) = try Self.file()
        defer { withExtendedLifetime(shared) {} }
        let reader = try folder.reader()
        let name = fqdn(1).text
        let known = expected(Self.all[1])
        for host in [
            name, name.uppercased(), "\(name).", "\(name):443", "\(name):", "\(name).:8080",
            "Tenant-1.KINTONE.com.",
        ] {
            #expect(reader.find(host) == known, "\(host)")
        }
        let longest = String(repeating: "a.", count: 126) + "a"
        for host in [
            "", ".", ":", ":80", "..", "\(name)..", "\(name):80:80", "\(name):8a", " \(name)",
            "\(name)\u{0}", "ténant-1.kintone.com", "x\(name)", longest, "\(longest)a",
            "\(longest)aa",
            String(repeating: "a", count: 5_000), "tenant-1.kintone.com/", "[::1]:80",
        ] {
            #expect(reader.find(host) == .unknown, "\(host)")
        }
    }

    /// What can be a name is read alike by everyone who reads names.
    @Test func `reads names as the registry does`() throws {
        var random = SeededRandom(seed: 1)
        let letters = Array("aAzZ09-.:é".unicodeScalars)
        var read = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &random)
            var host = String(
                String.UnicodeScalarView(
                    (0..<count).map { _ in
                        letters[Int.random(in: 0..<letters.count, using: &random)]
                    }))
            let name: String? = withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) {
                room in
                host.withUTF8 { bytes in
                    guard
                        let count = HostName.read(
                            bytes.baseAddress!, bytes.count, into: room.baseAddress!)
                    else { return nil }
                    return String(decoding: room[..<count], as: UTF8.self)
                }
            }
            guard let colon = host.lastIndex(of: ":"),
                host[colon...].dropFirst().allSatisfy({ $0.isASCII && $0.isNumber })
            else {
                if let fqdn = try? FQDN(host), host.utf8.allSatisfy({ $0 < 0x80 }) {
                    #expect(name == fqdn.text, "\(host)")
                    read += 1
                }
                continue
            }
            if let fqdn = try? FQDN(host[..<colon]), host.utf8.allSatisfy({ $0 < 0x80 }) {
                #expect(name == fqdn.text, "\(host)")
                read += 1
            }
        }
        #expect(read > 300)
    }

    @Test func `says why there's nothing to read`() throws {
        let (folder, shared) = try Self.file()
        defer { withExtendedLifetime(shared) {} }
        let bytes = try folder.bytes()
        let path = folder.other("other")
        func failure(_ bytes: [UInt8]) throws -> String {
            try folder.write(bytes, to: path)
            let failure = #expect(throws: SharedRoutesFailure.self) {
                _ = try RoutesReader(path: path)
            }
            return failure?.description ?? ""
        }
        for count in [0, 1, 4_095, 4_096, bytes.count / 2, bytes.count - 1] {
            #expect(try failure(Array(bytes[..<count])).contains("cut short"))
        }
        #expect(try failure(bytes + [0]).contains("no file of routes"))
        #expect(try failure(Array("hello".utf8) + bytes.dropFirst(5)).contains("no file of routes"))
        var newer = bytes
        newer[RoutesFormat.Field.version] = 2
        #expect(try failure(newer).contains("version"))
        for nothing in [folder.other("none"), folder.url.path] {
            #expect(throws: SharedRoutesFailure.self) { try RoutesReader(path: nothing) }
        }
    }

    /// Whatever is in a file: an answer, or a refusal, and nothing outside it is touched.
    @Test(arguments: 0..<8)
    func `gets over any file`(part: Int) throws {
        let (folder, shared) = try Self.file()
        defer { withExtendedLifetime(shared) {} }
        let bytes = try folder.bytes()
        var random = SeededRandom(seed: UInt64(part))
        let words = [0, 1, 0xFF, 0x7FFF_FFFF, .max, 1 << 40, UInt64(bytes.count), 1 << 60]
        let path = folder.other("hostile")
        var opened = 0
        for _ in 0..<300 {
            var hostile = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                // The header's numbers, the index, or anything.
                let areas = [88, 640, 4_096 + 1_400 * 8, bytes.count - 8]
                let area = areas[Int.random(in: 0..<areas.count, using: &random)]
                let place = Int.random(in: 1..<area / 8, using: &random) * 8
                let word = words.randomElement(using: &random) ?? 0
                let value = Bool.random(using: &random) ? word : random.next()
                withUnsafeBytes(of: value) { hostile.replaceSubrange(place..<place + 8, with: $0) }
            }
            try folder.write(hostile, to: path)
            guard let reader = try? RoutesReader(path: path) else { continue }
            opened += 1
            for domain in Self.all { _ = reader.find(domain.fqdn.text) }
            _ = reader.find("unknown.example.com")
            _ = reader.status()
        }
        #expect(opened > 20)
    }

    /// The second of two names is never of an older revision than the first, for every revision changes all of them.
    @Test func `sees revisions whole, in every thread`() throws {
        let folder = try RoutesFolder()
        let shared = try folder.share()
        shared.load((0..<40).map { domain($0, revision: 1) }, revision: 1)
        let reader = try folder.reader()
        let isOver = Flag()
        let faults = Faults()
        let readers = (0..<3).map { _ in
            let ended = DispatchSemaphore(value: 0)
            let thread = Thread {
                if let fault = Self.read(reader, until: isOver) {
                    faults.add(fault)
                }
                ended.signal()
            }
            thread.start()
            return ended
        }
        for revision in Int64(2)...2_000 {
            // Others come along, so that files are full again and again.
            let new = (0..<20).map { domain(1_000 + Int(revision) * 20 + $0, revision: revision) }
            let moved = (0..<40).map {
                domain($0, at: revision % 2 == 0 ? aws : japan, revision: revision)
            }
            let changes = RevisionChanges(
                revision: Revision(revision), domains: (moved + new).map { .set($0) })
            if revision % 3 == 0 {
                // A page that is read and comes to nothing.
                let stage = shared.beginStage()
                for domain in moved { stage.set(domain) }
                shared.beginStage().add(changes)
            }
            #expect(shared.apply(changes))
        }
        isOver.set()
        for ended in readers { ended.wait() }
        #expect(faults.all == [])
    }

    /// - Returns: what was wrong; nil: nothing in at least one round.
    private static func read(_ reader: RoutesReader, until isOver: Flag) -> String? {
        var last = Int64(0)
        repeat {
            for number in 0..<40 {
                guard case .found(let route) = reader.find(fqdn(number).text) else {
                    return "\(number) isn't there after \(last)"
                }
                let revision = route.revision.number
                let place = revision % 2 == 0 ? aws : japan
                guard revision >= last, revision == 1 || route.location == place else {
                    return "\(number) is at \(route.location) and of \(revision) after \(last)"
                }
                last = revision
            }
        } while !isOver.isSet
        return nil
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}

private final class Faults: Sendable {
    private let found = Mutex<[String]>([])

    var all: [String] { found.withLock(\.self) }

    func add(_ fault: String) { found.withLock { $0.append(fault) } }
}
