import Synchronization

/// One name's place in a shard's memory: three words, then the bytes of the name.
///
/// Unsafe because of the pointer. What holds it together:
/// - Bytes and length are written before the record is put into its shard's index, and never again.
/// - The three words are one value. Only the writer changes them, and says so in the state word
///   first: a reader takes all three at one moment, or none.
struct Record: Equatable {
    let words: UnsafeMutablePointer<Atomic<UInt64>>

    /// Bytes of memory for a name, a multiple of 8.
    static func size(nameLength: Int) -> Int { (24 + nameLength + 7) & ~7 }

    private var bytes: UnsafeMutableRawPointer { UnsafeMutableRawPointer(words + 3) }

    var nameLength: Int {
        RecordWords.nameLength(ofRegistered: words[2].load(ordering: .relaxed))
    }

    var name: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: nameLength) }

    /// Before any reader can find the record.
    func initialize(name: UnsafeRawBufferPointer, _ value: RecordWords) {
        if let start = name.baseAddress {
            bytes.copyMemory(from: start, byteCount: name.count)
        }
        words[2].store(value.registered, ordering: .relaxed)
        words[1].store(value.changed, ordering: .relaxed)
        words[0].store(value.state, ordering: .relaxed)
    }

    /// - Returns: nil while the writer is changing the record.
    func read() -> RecordWords? {
        let state = words[0].load(ordering: .acquiring)
        // Acquiring: who sees a new one of these also sees that the state has changed.
        let changed = words[1].load(ordering: .acquiring)
        let registered = words[2].load(ordering: .acquiring)
        guard !RecordWords.isChanging(state), words[0].load(ordering: .acquiring) == state
        else { return nil }
        return RecordWords(state: state, changed: changed, registered: registered)
    }

    /// The writer's own look: nobody else changes the words.
    var current: RecordWords {
        RecordWords(
            state: words[0].load(ordering: .relaxed), changed: words[1].load(ordering: .relaxed),
            registered: words[2].load(ordering: .relaxed))
    }

    /// The writer's. States must differ from one write to the next, which their revisions do.
    func write(_ value: RecordWords) {
        words[0].store(value.stateWhileChanging, ordering: .releasing)
        words[1].store(value.changed, ordering: .releasing)
        words[2].store(value.registered, ordering: .releasing)
        words[0].store(value.state, ordering: .releasing)
    }

    /// By the bytes of their names.
    func precedes(_ other: Record) -> Bool {
        let (length, otherLength) = (nameLength, other.nameLength)
        var offset = 0
        while offset &+ 8 <= min(length, otherLength) {
            let own = bytes.load(fromByteOffset: offset, as: UInt64.self)
            let others = other.bytes.load(fromByteOffset: offset, as: UInt64.self)
            if own != others { return own.bigEndian < others.bigEndian }
            offset &+= 8
        }
        while offset < min(length, otherLength) {
            let own = bytes.load(fromByteOffset: offset, as: UInt8.self)
            let others = other.bytes.load(fromByteOffset: offset, as: UInt8.self)
            if own != others { return own < others }
            offset &+= 1
        }
        return length < otherLength
    }

    func hasName(_ other: UnsafeRawBufferPointer) -> Bool {
        guard nameLength == other.count, let start = other.baseAddress else { return false }
        var offset = 0
        while offset &+ 8 <= other.count {
            let same =
                bytes.load(fromByteOffset: offset, as: UInt64.self)
                == start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard same else { return false }
            offset &+= 8
        }
        while offset < other.count {
            guard
                bytes.load(fromByteOffset: offset, as: UInt8.self)
                    == start.load(fromByteOffset: offset, as: UInt8.self)
            else { return false }
            offset &+= 1
        }
        return true
    }
}
