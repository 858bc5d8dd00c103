import RegistryModel
import RoutingTable

/// Every domain of the table at one revision, by name: what files are written from. Made anew for each
/// file, because it takes about as much memory as the table.
struct TableCopy {
    struct Row {
        fileprivate var start: Int
        fileprivate var nameLength: UInt8
        /// Nil for none.
        fileprivate var tenantLength: UInt16?
        fileprivate var location: Int
        var mode: Mode
        var revision: Revision
        var registeredAt: Timestamp
        var changedAt: Timestamp
    }

    struct Place {
        var name: LocationName
        var upstream: UpstreamURL?
    }

    let position: Position
    let summary: TableSummary
    /// Sorted by the octets of their names.
    private(set) var rows: [Row] = []
    /// Names, each followed by its tenant.
    private var octets: [UInt8] = []
    private var places: [Place] = []

    /// - Throws: `notReady` until the table has been loaded.
    init(_ table: any RoutingTable) throws(RegistryError) {
        var numbers: [LocationName: Int] = [:]
        var beginning: (position: Position, summary: TableSummary)?
        var (rows, octets, places): ([Row], [UInt8], [Place]) = ([], [], [])
        try table.forEachEntry { position, summary in
            beginning = (position, summary)
            rows.reserveCapacity(summary.count)
            octets.reserveCapacity(summary.count * 32)
        } _: { name, entry in
            let number: Int
            if let known = numbers[entry.location] {
                number = known
            } else {
                number = places.count
                numbers[entry.location] = number
                places.append(Place(name: entry.location, upstream: entry.upstream))
            }
            rows.append(
                Row(
                    start: octets.count, nameLength: UInt8(name.count),
                    tenantLength: entry.tenant.map { UInt16($0.count) }, location: number,
                    mode: entry.mode, revision: entry.revision, registeredAt: entry.registeredAt,
                    changedAt: entry.changedAt))
            octets.append(contentsOf: name)
            if let tenant = entry.tenant { octets.append(contentsOf: tenant) }
        }
        guard let beginning else { throw .notReady }
        (position, summary) = beginning
        octets.withUnsafeBytes { octets in
            rows.sort { Self.precedes($0, $1, octets) }
        }
        self.rows = rows
        self.octets = octets
        self.places = places
    }

    func place(of row: Row) -> Place { places[row.location] }

    /// - Parameter body: its arguments are good until it returns.
    func withTexts<Result>(
        of row: Row,
        _ body: (_ name: UnsafeRawBufferPointer, _ tenant: UnsafeRawBufferPointer?) throws -> Result
    ) rethrows -> Result {
        try octets.withUnsafeBytes { octets in
            try body(
                Self.name(row, octets),
                row.tenantLength.map { length in
                    let start = row.start + Int(row.nameLength)
                    return UnsafeRawBufferPointer(rebasing: octets[start..<start + Int(length)])
                })
        }
    }

    private static func name(
        _ row: Row, _ octets: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: octets[row.start..<row.start + Int(row.nameLength)])
    }

    private static func precedes(
        _ left: Row, _ right: Row, _ octets: UnsafeRawBufferPointer
    ) -> Bool {
        name(left, octets).lexicographicallyPrecedes(name(right, octets))
    }
}
