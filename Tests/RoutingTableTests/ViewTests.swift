import RegistryModel
import TableSamples
import Testing

@testable import RoutingTable

/// A reader that stays in one view while the writer goes on: in one thread, so each step is certain.
@Suite("A reader's view") struct ViewTests {
    private let table = CompactRoutingTable()
    private let names = (0..<400).map { fqdn($0) }

    /// Loads the even ones of 400 names at revision 1.
    private func load() {
        table.load(
            stride(from: 0, to: 400, by: 2).map { tenanted($0, revision: 1) }, revision: 1)
    }

    private func tenanted(
        _ number: Int, at location: LocationName = japan, revision: Int64
    ) -> Domain {
        var domain = domain(number, at: location, revision: revision)
        domain.placement.tenant = "tenant \(number) of revision \(revision)"
        return domain
    }

    @Test func `stays as it is while the table changes all over`() throws {
        load()
        let before = try table.find(names).value
        try table.views.read { view in
            for revision in 2...40 as ClosedRange<Int64> {
                applyLarge(revision)
                #expect(names.map { view.domain($0) } == before)
                #expect(view.position.revision == Revision(1))
                #expect(view.statistics().total == 200)
                let now = (try? table.find(names).value.map { $0?.revision }) ?? []
                #expect(now != before.map { $0?.revision })
            }
        }
    }

    /// Moves some names, lets some go, registers some.
    private func applyLarge(_ revision: Int64) {
        var changes = RevisionChanges(revision: Revision(revision))
        for number in 0..<400 {
            switch (number + Int(revision)) % 4 {
            case 0: changes.domains.append(.gone(fqdn(number)))
            case 1: break
            default:
                changes.domains.append(.set(tenanted(number, at: aws, revision: revision)))
            }
        }
        #expect(table.apply(changes))
    }

    @Test func `of any revision answers as of that revision`() throws {
        load()
        try nest(2)
    }

    /// Reads each revision from inside the reads of those before.
    private func nest(_ revision: Int64) throws {
        guard revision < 12 else { return }
        applyLarge(revision)
        let fresh = try table.find(names).value
        try table.views.read { view in
            #expect(names.map { view.domain($0) } == fresh)
            try? nest(revision + 1)
            #expect(names.map { view.domain($0) } == fresh)
            #expect(view.position.revision == Revision(revision))
        }
    }

    @Test func `outlives growth, compaction and another load`() throws {
        load()
        let before = try table.find(names).value
        try table.views.read { view in
            let many = (1_000..<41_000).map { RevisionChanges.DomainChange.set(domain($0)) }
            #expect(table.apply(RevisionChanges(revision: Revision(2), domains: many)))
            #expect(names.map { view.domain($0) } == before)
            let gone = (0..<41_000).map { RevisionChanges.DomainChange.gone(fqdn($0)) }
            #expect(table.apply(RevisionChanges(revision: Revision(3), domains: gone)))
            #expect(names.map { view.domain($0) } == before)
            #expect((try? table.statistics().value.total) == 0)
            table.load([domain(7)], revision: 1)
            #expect(names.map { view.domain($0) } == before)
            #expect((try? table.find(fqdn(7)).value) == domain(7))
        }
    }

    /// Location numbers are given again; a view has its own list.
    @Test func `names locations as they were`() throws {
        let osaka = LocationName(canonical: "osaka")
        let kyoto = LocationName(canonical: "kyoto")
        table.load(
            [domain(1, at: osaka)], locations: [location(osaka)],
            at: Position(epoch: epoch, revision: Revision(1)))
        try table.views.read { view in
            #expect(
                table.apply(
                    RevisionChanges(
                        revision: Revision(2), domains: [.gone(fqdn(1))], locations: [.gone(osaka)])
                ))
            #expect(
                table.apply(
                    RevisionChanges(
                        revision: Revision(3), domains: [.set(domain(1, at: kyoto, revision: 3))],
                        locations: [.set(location(kyoto))])))
            #expect(view.domain(fqdn(1)) == domain(1, at: osaka))
            #expect(fqdn(1).withBytes { view.entry($0)?.upstream?.text } == "http://osaka.internal")
        }
        #expect(try table.route(fqdn(1)).value?.upstream?.text == "http://kyoto.internal")
        #expect(try table.statistics().value.locations.map(\.name) == [kyoto])
    }

    /// Between publication and the last record that is written.
    @Test func `has all of its own revision before it's in the records`() throws {
        let memory = TableMemory()
        var contents = TableContents(memory)
        contents.load(domain(1))
        contents.load(domain(2))
        let rows = RevisionRowsOwner(memory, capacity: 2)
        for number in [1, 2] {
            fqdn(number).withBytes { name in
                guard let (record, _) = contents.find(name, NameHash(name)) else { return }
                rows.set(record.current.gone(at: 2), for: rows.row(for: record))
            }
        }
        let old = owner(memory, &contents, revision: 1, changes: nil)
        let new = owner(memory, &contents, revision: 2, changes: rows)
        old.view.pointee.next.store(new.view, ordering: .releasing)
        for step in 0...3 {
            if step > 0, step < 3 { rows.record(step - 1).write(rows.after(step - 1)) }
            if step == 3 { #expect(new.write() === rows) }
            #expect(old.view.pointee.domain(fqdn(1)) == domain(1))
            #expect(old.view.pointee.domain(fqdn(2)) == domain(2))
            #expect(new.view.pointee.domain(fqdn(1)) == nil)
            #expect(new.view.pointee.domain(fqdn(2)) == nil)
        }
    }

    @Test func `that began before its revision was written stays right afterwards`() throws {
        let memory = TableMemory()
        var contents = TableContents(memory)
        contents.load(domain(1))
        contents.load(domain(2))
        let rows = RevisionRowsOwner(memory, capacity: 1)
        let found = fqdn(1).withBytes { contents.find($0, NameHash($0)) }
        let other = fqdn(2).withBytes { contents.find($0, NameHash($0)) }
        let (record, _) = try #require(found)
        rows.set(record.current.gone(at: 2), for: rows.row(for: record))
        let owner = owner(memory, &contents, revision: 2, changes: rows)
        let isWritten = owner.view.pointee.isWritten.load(ordering: .relaxed)
        #expect(!isWritten)
        // Kept, as it would be for a reader that is in.
        let kept = owner.write()
        #expect(kept === rows)
        let isOver = owner.view.pointee.isWritten.load(ordering: .relaxed)
        #expect(isOver)
        for isWritten in [false, true] {
            let words = owner.view.pointee.words(of: record, isWritten: isWritten)
            #expect(!words.isPresent)
            #expect(words.revision == 2)
            let untouched = try #require(other?.0)
            #expect(owner.view.pointee.words(of: untouched, isWritten: isWritten).revision == 1)
        }
    }

    private func owner(
        _ memory: TableMemory, _ contents: inout TableContents, revision: Int64,
        changes: RevisionRowsOwner?
    ) -> TableViewOwner {
        TableViewOwner(
            memory, at: Position(epoch: epoch, revision: Revision(revision)),
            directory: contents.shards.published(),
            locations: contents.locations.published(memory), counts: contents.locations.counts,
            digest: contents.locations.digest, changes: changes)
    }

    /// A record that the writer has begun to change says so, and its reader goes elsewhere.
    @Test func `doesn't take a record that is being changed`() throws {
        let memory = TableMemory()
        var contents = TableContents(memory)
        contents.load(domain(1))
        let rows = RevisionRowsOwner(memory, capacity: 1)
        let found = fqdn(1).withBytes { contents.find($0, NameHash($0)) }
        let (record, _) = try #require(found)
        let row = rows.row(for: record)
        domain(1, at: aws, revision: 2).withView { _, view in
            rows.set(
                RecordWords(
                    view, location: 0, texts: 0, revision: 2, nameLength: record.nameLength),
                for: row)
        }
        let old = owner(memory, &contents, revision: 1, changes: nil)
        let new = owner(memory, &contents, revision: 2, changes: rows)
        old.view.pointee.next.store(new.view, ordering: .releasing)

        record.words[0].store(rows.after(row).stateWhileChanging, ordering: .relaxed)
        record.words[1].store(rows.after(row).changed, ordering: .releasing)
        #expect(record.read() == nil)
        #expect(old.view.pointee.domain(fqdn(1)) == domain(1))
        #expect(new.view.pointee.domain(fqdn(1))?.revision == Revision(2))
    }
}
