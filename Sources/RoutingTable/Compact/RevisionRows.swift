import RegistryModel

/// What one revision changes: of each record, the words before and after.
///
/// Built whole before it's published, never changed afterwards. Until the revision is in the
/// records, its readers take the words after from here; readers of earlier revisions take the words
/// before, as soon as they meet a record that is ahead of them.
///
/// Some 41 bytes a record, because a wave may be the whole table: most of a wave's records become the same
/// but for texts and registration, which stay. So words after are a number: of a template, which has the
/// rest, or of words of the record's own.
struct RevisionRows {
    let records: UnsafeMutablePointer<Record>
    let before: UnsafeMutablePointer<RecordWords>
    /// By row: a template's number; `own` and a number of words; or `unchanged`.
    let links: UnsafeMutablePointer<UInt32>
    fileprivate(set) var templates: UnsafeMutablePointer<RecordWords>
    fileprivate(set) var ownWords: UnsafeMutablePointer<RecordWords>
    /// Open addressing by the record's address. A slot: 0 for empty, otherwise one more than the row's
    /// number.
    let slots: UnsafeMutablePointer<UInt32>
    let slotCount: Int

    static let own = UInt32(1) << 31
    static let unchanged = own - 1

    /// - Returns: the number of the record's row.
    func find(_ record: Record) -> Int? {
        let slot = slots[position(of: record)]
        return slot == 0 ? nil : Int(slot) &- 1
    }

    func after(_ row: Int) -> RecordWords {
        let link = links[row]
        if link & Self.own != 0 { return ownWords[Int(link & ~Self.own)] }
        if link == Self.unchanged { return before[row] }
        return templates[Int(link)].keepingTexts(of: before[row])
    }

    /// The slot that has the record, or the empty one where it would be.
    fileprivate func position(of record: Record) -> Int {
        // Addresses aren't chosen by strangers: a multiplication spreads them.
        let address = UInt64(UInt(bitPattern: record.words)) &>> 3
        let hash = address &* 0x9E37_79B9_7F4A_7C15
        var position = Int(hash.multipliedFullWidth(by: UInt64(slotCount)).high)
        while true {
            let slot = slots[position]
            if slot == 0 || records[Int(slot) &- 1] == record { return position }
            position &+= 1
            if position == slotCount { position = 0 }
        }
    }
}

/// The memory of a `RevisionRows`, and how it's filled.
final class RevisionRowsOwner {
    let face: UnsafeMutablePointer<RevisionRows>
    private(set) var count = 0

    private let memory: TableMemory
    private let capacity: Int
    private var templateCount = 0
    private var ownCount = 0
    private var ownCapacity = 4

    private static let templateCapacity = 16

    /// - Parameter capacity: how many rows at most.
    init(_ memory: TableMemory, capacity: Int) {
        precondition(capacity < Int(RevisionRows.unchanged), "a revision has fewer rows than 2^31")
        self.memory = memory
        self.capacity = capacity
        let slotCount = capacity + capacity / 4 + 2
        let slots = memory.allocate(UInt32.self, count: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        face = memory.allocate(RevisionRows.self, count: 1)
        face.initialize(
            to: RevisionRows(
                records: memory.allocate(Record.self, count: capacity),
                before: memory.allocate(RecordWords.self, count: capacity),
                links: memory.allocate(UInt32.self, count: capacity),
                templates: memory.allocate(RecordWords.self, count: Self.templateCapacity),
                ownWords: memory.allocate(RecordWords.self, count: ownCapacity),
                slots: slots, slotCount: slotCount))
    }

    deinit {
        memory.free(face.pointee.records, count: capacity)
        memory.free(face.pointee.before, count: capacity)
        memory.free(face.pointee.links, count: capacity)
        memory.free(face.pointee.templates, count: Self.templateCapacity)
        memory.free(face.pointee.ownWords, count: ownCapacity)
        memory.free(face.pointee.slots, count: face.pointee.slotCount)
        memory.free(face, count: 1)
    }

    func record(_ row: Int) -> Record { face.pointee.records[row] }
    func before(_ row: Int) -> RecordWords { face.pointee.before[row] }
    func after(_ row: Int) -> RecordWords { face.pointee.after(row) }

    /// The number of the record's row, of a new one with the words that it has now unless there is one.
    func row(for record: Record) -> Int {
        let position = face.pointee.position(of: record)
        let slot = face.pointee.slots[position]
        guard slot == 0 else { return Int(slot) - 1 }
        (face.pointee.records + count).initialize(to: record)
        (face.pointee.before + count).initialize(to: record.current)
        (face.pointee.links + count).initialize(to: RevisionRows.unchanged)
        count += 1
        face.pointee.slots[position] = UInt32(count)
        return count - 1
    }

    func set(_ after: RecordWords, for row: Int) {
        let link = face.pointee.links[row]
        if link & RevisionRows.own != 0 {
            face.pointee.ownWords[Int(link & ~RevisionRows.own)] = after
        } else if after.hasTextsAndRegistration(of: before(row)),
            let template = template(after.withoutTexts)
        {
            face.pointee.links[row] = UInt32(template)
        } else {
            face.pointee.links[row] = RevisionRows.own | UInt32(addOwn(after))
        }
    }

    private func template(_ words: RecordWords) -> Int? {
        // The last one first: a wave has one, mostly.
        for number in (0..<templateCount).reversed()
        where face.pointee.templates[number] == words { return number }
        guard templateCount < Self.templateCapacity else { return nil }
        (face.pointee.templates + templateCount).initialize(to: words)
        templateCount += 1
        return templateCount - 1
    }

    private func addOwn(_ words: RecordWords) -> Int {
        if ownCount == ownCapacity {
            let longer = memory.allocate(RecordWords.self, count: ownCapacity * 2)
            longer.initialize(from: face.pointee.ownWords, count: ownCount)
            memory.free(face.pointee.ownWords, count: ownCapacity)
            face.pointee.ownWords = longer
            ownCapacity *= 2
        }
        (face.pointee.ownWords + ownCount).initialize(to: words)
        ownCount += 1
        return ownCount - 1
    }
}

/// One revision's changes, which the writer goes through twice.
protocol RevisionSource: Sendable {
    var revision: Revision { get }
    var locations: [RevisionChanges.LocationChange] { get }
    /// Changes of domains, at most.
    var count: Int { get }

    /// Shows each change of a domain, in order.
    ///
    /// - Parameter body: its arguments are good until it returns; nil: the name is gone.
    func forEach(_ body: (_ name: UnsafeRawBufferPointer, DomainView?) -> Void)

    /// The same for the last time: what was shown may be given back.
    mutating func consume(_ body: (_ name: UnsafeRawBufferPointer, DomainView?) -> Void)
}

extension RevisionChanges: RevisionSource {
    var count: Int { domains.count }

    func forEach(_ body: (UnsafeRawBufferPointer, DomainView?) -> Void) {
        for change in domains {
            switch change {
            case .set(var domain):
                // Its revision is the change's: nothing else is in the log.
                domain.revision = revision
                domain.withView { body($0, $1) }
            case .gone(let fqdn): fqdn.withBytes { body($0, nil) }
            }
        }
    }

    mutating func consume(_ body: (UnsafeRawBufferPointer, DomainView?) -> Void) {
        forEach(body)
    }
}
