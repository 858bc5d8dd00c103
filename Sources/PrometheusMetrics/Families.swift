/// All series of one name.
struct Family {
    private struct Series {
        var labels: String
        var cell: any SeriesCell
        /// How many were made of it and not destroyed.
        var handlers = 1
    }

    let name: String
    let help: String
    let cellType: any SeriesCell.Type
    /// Sorted by labels at all times: handlers are made rarely, and a scrape needn't sort.
    private var series: [Series] = []
    /// Takes the values of the series that came after the limit. Never written out.
    private var overflow: (any SeriesCell)?

    init(name: String, help: String, cellType: any SeriesCell.Type) {
        self.name = name
        self.help = help
        self.cellType = cellType
    }

    mutating func cell(
        labels: String, limit: Int, make: () -> any SeriesCell
    ) -> (cell: any SeriesCell, isDropped: Bool) {
        let place = place(of: labels)
        if place < series.count, series[place].labels == labels {
            series[place].handlers += 1
            return (series[place].cell, false)
        }
        if series.count < limit {
            let cell = make()
            series.insert(Series(labels: labels, cell: cell), at: place)
            return (cell, false)
        }
        let cell = overflow ?? make()
        overflow = cell
        return (cell, true)
    }

    /// Takes a series away with its last handler.
    ///
    /// - Returns: whether the cell is one of this family's.
    mutating func release(_ cell: any SeriesCell) -> Bool {
        guard let place = series.firstIndex(where: { $0.cell === cell }) else { return false }
        series[place].handlers -= 1
        if series[place].handlers == 0 { series.remove(at: place) }
        return true
    }

    func write(to text: inout ExpositionText) {
        guard !series.isEmpty else { return }
        text.header(name: name, help: help, type: cellType.type)
        for series in series { series.cell.write(to: &text, name: name, labels: series.labels) }
    }

    /// The first place whose labels aren't less.
    private func place(of labels: String) -> Int {
        var range = series.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range =
                series[middle].labels < labels
                ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

/// The families of a registry, and the names they write samples under.
struct Families {
    private var byName: [String: Family] = [:]
    private var sampleNames: Set<String> = []

    var sorted: [Family] { byName.values.sorted { $0.name < $1.name } }

    /// `nil`: the name belongs to another kind of metric, or a histogram writes samples of that
    /// name (`x_count` beside the histogram `x`), which would be the same series twice.
    mutating func cell<Cell: SeriesCell>(
        name: String, help: String?, labels: String, limit: Int, make: () -> Cell
    ) -> (cell: Cell, isDropped: Bool)? {
        if byName[name] == nil {
            let samples = Cell.suffixes.map { name + $0 }
            guard sampleNames.isDisjoint(with: samples) else { return nil }
            sampleNames.formUnion(samples)
            byName[name] = Family(name: name, help: help ?? name, cellType: Cell.self)
        }
        guard byName[name]?.cellType == Cell.self,
            let found = byName[name]?.cell(labels: labels, limit: limit, make: make),
            let cell = found.cell as? Cell
        else { return nil }
        return (cell, found.isDropped)
    }

    /// Looks everywhere, for a cell doesn't know its name, and this is rare.
    mutating func release(_ cell: any SeriesCell) {
        for name in byName.keys where byName[name]?.release(cell) == true { return }
    }
}
