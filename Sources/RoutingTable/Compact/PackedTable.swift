import RegistryModel

/// Every domain of a table at one revision, by name: what files are written from. Made anew for each file, in
/// about half of the table's own memory, so that a disk that hangs holds up nothing of the table.
public struct PackedTable {
    /// What a row's location is.
    public struct Place {
        public var name: LocationName
        public var upstream: UpstreamURL?
    }

    public let position: Position
    public let summary: TableSummary
    let rows: PackedRows
    private let places: [Place]

    init(position: Position, summary: TableSummary, rows: PackedRows) {
        self.position = position
        self.summary = summary
        self.rows = rows
        let upstreams = Dictionary(summary.locations) { first, _ in first }
        places = rows.locations.map { Place(name: $0, upstream: upstreams[$0]) }
    }

    /// Of domains.
    public var count: Int { rows.count }

    public func place(of row: PackedRow) -> Place { places[row.location] }

    /// - Parameter body: the row's texts are good until it returns.
    public func forEach<Failure: Error>(
        _ body: (PackedRow) throws(Failure) -> Void
    ) throws(Failure) {
        let reader = PackedRowsReader()
        while let row = reader.next(in: rows) { try body(row) }
    }
}
