import RegistryModel

/// How many domains each location had, moment by moment.
package struct StatisticsHistory: Shape, Equatable {
    package var items: [CountMoment]

    package init(items: [CountMoment]) {
        self.items = items
    }

    package static let fields: [ShapeField<StatisticsHistory>] = [
        ShapeField("items", objects: { $0.items })
    ]

    package init?(reading object: inout JSONObjectReader) {
        items = object.shapes("items", CountMoment.self)
    }
}

extension CountMoment: Shape {
    package static let fields: [ShapeField<CountMoment>] = [
        ShapeField("at") { .time($0.at) }, ShapeField("revision") { Cell($0.revision) },
        ShapeField("locations", objects: { $0.counts }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (at, revision) = (object.time("at"), object.revision("revision"))
        let counts = object.shapes("locations", Count.self)
        guard let at, let revision else { return nil }
        self.init(at: at, revision: revision, counts: counts)
    }
}

extension CountMoment.Count: Shape {
    package static let fields: [ShapeField<CountMoment.Count>] = [
        ShapeField("location") { .text($0.location.text) },
        ShapeField("domains") { Cell($0.domains) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (location, domains) = (object.location("location"), object.count("domains"))
        guard let location, let domains else { return nil }
        self.init(location, domains)
    }
}
