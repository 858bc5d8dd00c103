import RegistryModel

/// What the table knows about a name, packed into three words.
///
/// | word | bits, from the lowest |
/// | --- | --- |
/// | state | 39 revision, 16 location, 2 mode, 2 fence, 1 present, 1 changing, 3 texts |
/// | changed | 49 time of the last change, 15 texts |
/// | registered | 49 time of registration, 8 length of the name, 7 texts |
///
/// Times are milliseconds since the year 0: 49 bits reach past the year 17,000. A domain's texts are a place in
/// its shard's memory for them, see `Shard`; its 25 bits lie where there was room.
struct RecordWords: Equatable {
    var state: UInt64
    var changed: UInt64
    var registered: UInt64
}

extension RecordWords {
    static let revisionLimit = UInt64(1) << 39
    static let locationLimit = 1 << 16
    static let textLimit = 1 << 25

    private static let timeMask = (UInt64(1) << 49) - 1
    /// 0000-01-01T00:00:00Z in milliseconds since 1970.
    private static let yearZero: Int64 = -62_167_219_200_000
    private static let present = UInt64(1) << 59
    private static let changing = UInt64(1) << 60

    /// A name that was never there, as a new record says it.
    static func neverPresent(nameLength: Int) -> RecordWords {
        RecordWords(state: 0, changed: 0, registered: UInt64(nameLength) << 49)
    }

    /// - Parameters:
    ///   - texts: 0 for none, otherwise one more than the place of the texts.
    ///   - nameLength: in bytes.
    init(
        _ domain: DomainView, location: UInt16, texts: Int, revision: UInt64, nameLength: Int
    ) {
        let modes = domain.mode.number | (domain.fence?.number ?? 0) << 2
        state = revision | UInt64(location) << 39 | modes << 55 | Self.present
        changed = Self.bits(domain.changedAt)
        registered = Self.bits(domain.registeredAt) | UInt64(nameLength) << 49
        self.texts = texts
    }

    /// The name gone at `revision`.
    func gone(at revision: UInt64) -> RecordWords {
        var words = Self.neverPresent(nameLength: nameLength)
        words.state = revision
        return words
    }

    /// The state word of a record whose other words are about to change to `self`.
    var stateWhileChanging: UInt64 { state | Self.changing }

    var revision: UInt64 { Self.revision(ofState: state) }
    var isPresent: Bool { state & Self.present != 0 }
    /// A record made for a revision that hasn't been written into it yet.
    var wasNeverPresent: Bool { state == 0 }
    var location: Int { Int(state >> 39 & 0xFFFF) }
    var mode: Mode { Mode(number: state >> 55 & 3) }
    /// It's never `serve`: that says that there's none.
    var fence: Mode? {
        let number = state >> 57 & 3
        return number == 0 ? nil : Mode(number: number)
    }
    var nameLength: Int { Self.nameLength(ofRegistered: registered) }
    var changedAt: Timestamp { Self.time(changed) }
    var registeredAt: Timestamp { Self.time(registered) }
    /// 0 for none, otherwise one more than the place of the texts.
    var texts: Int {
        get { Int(changed >> 49 | (registered >> 57) << 15 | (state >> 61) << 22) }
        set {
            let bits = UInt64(newValue)
            changed = changed & ~(0x7FFF << 49) | (bits & 0x7FFF) << 49
            registered = registered & ~(0x7F << 57) | (bits >> 15 & 0x7F) << 57
            state = state & ~(0x7 << 61) | (bits >> 22) << 61
        }
    }

    /// - Parameters:
    ///   - location: what the words' number stands for.
    ///   - shard: has the texts.
    func view(at location: LocationName, in shard: borrowing ShardIndex) -> DomainView {
        DomainView(
            location: location, mode: mode, fence: fence, revision: Revision(Int64(revision)),
            registeredAt: registeredAt, changedAt: changedAt,
            texts: texts == 0 ? nil : shard.texts(texts))
    }

    /// Whether a record of these words may be told by a template: nothing but its state and the time of its
    /// last change differs.
    func hasTextsAndRegistration(of before: RecordWords) -> Bool {
        registered == before.registered && texts == before.texts
    }

    /// What a template has: state and time of change.
    var withoutTexts: RecordWords {
        var words = RecordWords(state: state, changed: changed, registered: 0)
        words.texts = 0
        return words
    }

    func keepingTexts(of before: RecordWords) -> RecordWords {
        var words = RecordWords(state: state, changed: changed, registered: before.registered)
        words.texts = before.texts
        return words
    }

    static func isChanging(_ state: UInt64) -> Bool { state & changing != 0 }
    static func revision(ofState state: UInt64) -> UInt64 { state & (revisionLimit - 1) }
    static func nameLength(ofRegistered registered: UInt64) -> Int { Int(registered >> 49 & 0xFF) }

    private static func bits(_ time: Timestamp) -> UInt64 {
        let (sinceYearZero, overflow) = time.milliseconds.subtractingReportingOverflow(yearZero)
        return overflow ? timeMask : min(UInt64(clamping: sinceYearZero), timeMask)
    }

    private static func time(_ word: UInt64) -> Timestamp {
        Timestamp(milliseconds: Int64(word & timeMask) + yearZero)
    }
}

extension Mode {
    fileprivate var number: UInt64 {
        switch self {
        case .serve: 0
        case .readOnly: 1
        case .reject: 2
        }
    }

    fileprivate init(number: UInt64) {
        self =
            switch number {
            case 0: .serve
            case 1: .readOnly
            default: .reject
            }
    }
}
