import RegistryAPI
import RegistryModel
import RoutingTable
import Testing

/// A plain copy of the routing table, made from a snapshot and the feed, that insists on the feed's
/// promises.
struct TableCopy: Equatable {
    var epoch: Epoch
    var revision: Revision
    var domains: [FQDN: Domain] = [:]
    var locations: [LocationName: UpstreamURL] = [:]

    /// Reads a snapshot, and holds it against its own header.
    init(snapshot bytes: [UInt8]) throws {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let header = try SnapshotHeader(parsing: Array(try #require(lines.first)))
        epoch = header.epoch
        revision = header.revision
        for location in header.locations { locations[location.name] = location.upstream }
        var (last, reader) = ("", SnapshotLines())
        for line in lines.dropFirst() {
            let domain = try reader.domain(line)
            #expect(last.utf8.lexicographicallyPrecedes(domain.fqdn.text.utf8))
            last = domain.fqdn.text
            domains[domain.fqdn] = domain
        }
        #expect(domains.count == header.count)
        #expect(digest == header.digest)
        #expect(bytes.last == UInt8(ascii: "\n"))
    }

    /// Of nothing, at the beginning of the log, but for the locations that it doesn't have.
    init(epoch: Epoch, locations: [LocationName: UpstreamURL]) {
        self.epoch = epoch
        self.locations = locations
        revision = .zero
    }

    /// From all rows, one by one, by this test's own hash.
    var digest: String {
        var sum = PlainMurmur3.Sum()
        for domain in domains.values { sum.add(PlainMurmur3.row(domain)) }
        for (name, upstream) in locations { sum.add(PlainMurmur3.row(name, upstream)) }
        return "sum-murmur3:" + sum.hexadecimal
    }

    mutating func apply(_ page: FeedPage) {
        #expect(page.epoch == epoch)
        #expect(page.from == revision, "a gap or a repetition")
        #expect(page.to >= page.from && page.head >= page.to)
        for change in page.changes {
            #expect(change.revision > page.from && change.revision <= page.to)
            switch change {
            case .set(let domain): domains[domain.fqdn] = domain
            case .gone(_, let fqdn):
                #expect(domains.removeValue(forKey: fqdn) != nil, "\(fqdn) wasn't there")
            case .locationChanged(_, let name, let upstream): locations[name] = upstream
            }
        }
        revision = page.to
    }
}

/// MurmurHash3 as its description has it, byte by byte: for comparing.
enum PlainMurmur3 {
    struct Sum {
        private var low: UInt64 = 0
        private var high: UInt64 = 0

        mutating func add(_ hash: (UInt64, UInt64)) {
            let (sum, carry) = low.addingReportingOverflow(hash.0)
            low = sum
            high = high &+ hash.1 &+ (carry ? 1 : 0)
        }

        var hexadecimal: String {
            [high, low].flatMap { word in
                (0..<16).reversed().map { String(word >> UInt64($0 * 4) & 15, radix: 16) }
            }.joined()
        }
    }

    static func row(_ domain: Domain) -> (UInt64, UInt64) {
        var bytes: [UInt8] = [UInt8(ascii: "d")]
        let times = [domain.registeredAt.milliseconds, domain.changedAt.milliseconds]
        for number in [domain.revision.number] + times {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> Int64($0 * 8)) }
        }
        for text in [
            domain.fqdn.text, domain.location.text, domain.mode.rawValue, domain.tenant ?? "",
        ] {
            bytes += Array(text.utf8) + [0]
        }
        return hash(bytes)
    }

    static func row(_ name: LocationName, _ upstream: UpstreamURL) -> (UInt64, UInt64) {
        hash([UInt8(ascii: "l")] + Array(name.text.utf8) + [0] + Array(upstream.text.utf8) + [0])
    }

    static func hash(_ bytes: [UInt8]) -> (UInt64, UInt64) {
        let (c1, c2): (UInt64, UInt64) = (0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f)
        func rotate(_ word: UInt64, _ by: UInt64) -> UInt64 { word << by | word >> (64 - by) }
        func word(_ place: Int) -> UInt64 {
            (0..<8).reduce(0) { word, offset in
                place + offset < bytes.count
                    ? word | UInt64(bytes[place + offset]) << UInt64(offset * 8) : word
            }
        }
        func finish(_ word: UInt64) -> UInt64 {
            var word = (word ^ word >> 33) &* 0xff51_afd7_ed55_8ccd
            word = (word ^ word >> 33) &* 0xc4ce_b9fe_1a85_ec53
            return word ^ word >> 33
        }
        var (h1, h2): (UInt64, UInt64) = (0, 0)
        let whole = bytes.count / 16 * 16
        for place in stride(from: 0, to: bytes.count, by: 16) {
            h1 ^= rotate(word(place) &* c1, 31) &* c2
            if place < whole { h1 = (rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729 }
            h2 ^= rotate(word(place + 8) &* c2, 33) &* c1
            if place < whole { h2 = (rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5 }
        }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        (h1, h2) = (finish(h1), finish(h2))
        h1 = h1 &+ h2
        return (h1, h2 &+ h1)
    }
}
