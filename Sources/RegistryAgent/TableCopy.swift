import RegistryModel
import RoutingTable

/// Every domain of the table at one revision, by name: what files are written from. Made anew for each
/// file, in about half of the table's own memory, so that a disk that hangs holds up nothing of the table.
struct TableCopy {
    struct Place {
        var name: LocationName
        var upstream: UpstreamURL?
    }

    private let table: PackedTable
    private let places: [Place]

    /// - Throws: `notReady` until the table has been loaded.
    init(_ table: any RoutingTable) throws(RegistryError) {
        self.table = try table.packed()
        let upstreams = Dictionary(self.table.summary.locations) { first, _ in first }
        places = self.table.rows.locations.map { Place(name: $0, upstream: upstreams[$0]) }
    }

    var position: Position { table.position }
    var summary: TableSummary { table.summary }
    /// Of domains.
    var count: Int { table.rows.count }

    func place(of row: PackedRow) -> Place { places[row.location] }

    /// - Parameter body: the row's texts are good until it returns.
    func forEach<Failure: Error>(
        _ body: (PackedRow) throws(Failure) -> Void
    ) throws(Failure) {
        let reader = PackedRowsReader()
        while let row = reader.next(in: table.rows) { try body(row) }
    }
}
