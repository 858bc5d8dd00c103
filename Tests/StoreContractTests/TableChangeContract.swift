import RegistryModel
import Testing

/// The log as copies of the routing table read it, held against what the store's observer was told.
@Suite("The log for copies of the table") struct TableChangeContract {
    @Test(arguments: StoreUnderTest.all)
    func `is read in pages of any size, also inside a revision`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await session.register("a.example", tenant: "t")
            try await session.commit(
                .registerBatch((0..<25).map { .wanted(NewDomain(fqdn: fqdn("b\($0).example"))) }))
            try await session.commit(.createToken(token("x")))
            try await session.commit(
                .change(fqdn("a.example"), DomainPatch(location: aws), ifMatch: nil))
            try await session.commit(.putLocation(nowhere, settings()))
            try await session.commit(.release(fqdn("b7.example"), ifMatch: nil))
            try await session.commit(.deleteLocation(nowhere))
            let head = try await session.store.head().revision
            let told = session.observed.value.map(Told.init)
            for limit in [1, 2, 24, 25, 26, 1_000] {
                var place = HistoryQuery.Place(revision: .zero, position: .max)
                var read: [TableChange] = []
                while true {
                    let page = try await session.store.tableChanges(
                        after: place, through: head, limit: limit)
                    #expect(page.items.count <= limit)
                    read += page.items
                    guard page.hasMore, let last = page.items.last else { break }
                    place = last.place
                }
                let grouped = Dictionary(grouping: read, by: \.place.revision)
                #expect(grouped.count == told.count)
                for one in told { #expect(Told(one.revision, grouped[one.revision] ?? []) == one) }
                let places = read.map { [$0.place.revision.number, Int64($0.place.position)] }
                #expect(places == places.sorted { $0.lexicographicallyPrecedes($1) })
            }
            let part = try await session.store.tableChanges(
                after: .init(revision: Revision(1), position: .max), through: Revision(2),
                limit: 1_000)
            #expect(part.items.count == 25 && !part.hasMore)
        }
    }

    private struct Told: Equatable {
        var revision: Revision
        var domains: [RevisionChanges.DomainChange] = []
        var locations: [RevisionChanges.LocationChange] = []

        init(_ changes: RevisionChanges) {
            revision = changes.revision
            domains = changes.domains
            locations = changes.locations
        }

        init(_ revision: Revision, _ changes: [TableChange]) {
            self.revision = revision
            for change in changes {
                switch change.kind {
                case .domain(let change): domains.append(change)
                case .location(let change): locations.append(change)
                case .other: break
                }
            }
        }
    }
}
