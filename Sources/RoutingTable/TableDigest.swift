import RegistryModel

/// What a copy of the table can be compared by: the sum, modulo 2^128, of a hash of each row.
///
/// A row is a domain with all its fields, or a location with its upstream. A sum has no order and can
/// be taken back, so the table always knows its own, and a change costs two hashes. The hash is
/// MurmurHash3 (x64, 128 bits, seed 0), because SHA-256 took longer than all the rest of a revision;
/// it finds what went astray, and isn't meant for somebody who makes two tables look alike on purpose.
///
/// The bytes that are hashed, integers as 8 bytes, the lowest first:
/// - a domain: `d`, revision, registered at, changed at (milliseconds since 1970), then name, location,
///   mode and tenant, each with a zero byte after it; no tenant is the empty text. Then, where it's announced, its
///   fence, likewise;
/// - a location: `l`, then name and upstream, each with a zero byte after it.
public struct TableDigest: Hashable, Sendable {
    public private(set) var low: UInt64 = 0
    public private(set) var high: UInt64 = 0

    /// Of nothing.
    public init() {}

    public mutating func add(_ domain: Domain) { add(Self.hash(domain)) }

    public mutating func remove(_ domain: Domain) { subtract(Self.hash(domain)) }

    public mutating func add(_ location: LocationName, upstream: UpstreamURL) {
        add(Self.hash(location, upstream))
    }

    public mutating func remove(_ location: LocationName, upstream: UpstreamURL) {
        subtract(Self.hash(location, upstream))
    }

    mutating func add(_ other: TableDigest) {
        let (sum, carry) = low.addingReportingOverflow(other.low)
        low = sum
        high = high &+ other.high &+ (carry ? 1 : 0)
    }

    mutating func subtract(_ other: TableDigest) {
        let (difference, borrow) = low.subtractingReportingOverflow(other.low)
        low = difference
        high = high &- other.high &- (borrow ? 1 : 0)
    }

    init(low: UInt64, high: UInt64) {
        (self.low, self.high) = (low, high)
    }
}

extension TableDigest: CustomStringConvertible {
    /// `sum-murmur3:` and 32 hexadecimal digits.
    public var description: String {
        func digits(_ number: UInt64) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "sum-murmur3:" + digits(high) + digits(low)
    }
}

extension TableDigest {
    static func hash(_ domain: Domain) -> TableDigest {
        var digest = TableDigest()
        domain.withView { digest = hash($0, $1) }
        return digest
    }

    /// A domain whose texts lie in memory.
    static func hash(_ name: UnsafeRawBufferPointer, _ domain: DomainView) -> TableDigest {
        let tenant = domain.tenant ?? UnsafeRawBufferPointer(start: nil, count: 0)
        var (location, mode) = (domain.location.text, domain.mode.rawValue)
        let fence = domain.fence.map { Array($0.rawValue.utf8) }
        return location.withUTF8 { location in
            mode.withUTF8 { mode in
                // Four zero bytes, the letter and the numbers.
                let size =
                    29 + name.count + location.count + mode.count + tenant.count
                    + (fence.map { $0.count + 1 } ?? 0)
                return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
                    var writer = RowBytes(bytes, UInt8(ascii: "d"))
                    writer.number(domain.revision.number)
                    writer.number(domain.registeredAt.milliseconds)
                    writer.number(domain.changedAt.milliseconds)
                    writer.text(name)
                    writer.text(UnsafeRawBufferPointer(location))
                    writer.text(UnsafeRawBufferPointer(mode))
                    writer.text(tenant)
                    fence?.withUnsafeBytes { writer.text($0) }
                    return Murmur3.hash(UnsafeRawBufferPointer(bytes))
                }
            }
        }
    }

    private static func hash(_ location: LocationName, _ upstream: UpstreamURL) -> TableDigest {
        var bytes = [UInt8(ascii: "l")]
        for text in [location.text, upstream.text] { bytes += Array(text.utf8) + [0] }
        return bytes.withUnsafeBytes { Murmur3.hash($0) }
    }
}

/// Puts a row's bytes together.
private struct RowBytes {
    private var next: UnsafeMutableRawPointer

    init(_ bytes: UnsafeMutableRawBufferPointer, _ kind: UInt8) {
        next = bytes.baseAddress.unsafelyUnwrapped
        next.storeBytes(of: kind, as: UInt8.self)
        next += 1
    }

    mutating func number(_ number: Int64) {
        next.storeBytes(of: number.littleEndian, as: Int64.self)
        next += 8
    }

    mutating func text(_ text: UnsafeRawBufferPointer) {
        if let start = text.baseAddress { next.copyMemory(from: start, byteCount: text.count) }
        next.storeBytes(of: 0, toByteOffset: text.count, as: UInt8.self)
        next += text.count + 1
    }
}
