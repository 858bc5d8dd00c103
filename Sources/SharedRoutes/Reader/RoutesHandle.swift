import CTenantRoutes
import Synchronization

/// An open file and its successors, for any number of threads: what `tr_open` gives.
///
/// A lookup counts itself in and out of the mapping that it uses. When the writer has put another file in this one's place,
/// the first lookup to see that maps it; the old mapping goes as soon as nobody is counted in it any more, however long
/// that takes. Nobody waits for anybody: each thread that finds a file retired maps the next one by itself, and the first to be
/// done is the one that counts.
package struct RoutesHandle {
    /// How many mappings there may be at once: the current one, and those that a lookup still stands in.
    private static let slots = 8
    /// Threads that count in different lines don't slow one another.
    private static let stripes = 16
    private static let lineSize = 64
    private static let counterSize = stripes * lineSize

    /// What becomes of a place for a mapping.
    private enum Claim {
        static let free: UInt64 = 0
        /// Somebody maps or unmaps there. Who was forked away in the middle has lost the place.
        static let taken: UInt64 = 1
        static let mapped: UInt64 = 2
    }

    /// What isn't one of a mapping's own.
    enum Word {
        static let current = 0
        /// One for each place.
        static let claims = 64
        /// When a file that is live is to be doubted again, in milliseconds.
        static let nextDoubt = 128
        static let size = 192
    }

    let words: UnsafeMutableRawPointer
    private let mappings: UnsafeMutablePointer<RoutesMapping>
    private let path: UnsafeMutablePointer<CChar>

    package enum Outcome {
        case open(RoutesHandle)
        case absent
        case invalid
        case version
    }

    package static func open(_ path: UnsafePointer<CChar>) -> Outcome {
        let mapping: RoutesMapping
        switch RoutesMapping.map(path) {
        case .mapped(let made): mapping = made
        case .absent: return .absent
        case .invalid: return .invalid
        case .version: return .version
        }
        let size = Word.size + slots * counterSize
        guard let copy = strdup(path) else { return unmapped(mapping) }
        guard let words = calloc(1, size),
            let places = calloc(slots, MemoryLayout<RoutesMapping>.stride)
        else {
            free(copy)
            return unmapped(mapping)
        }
        let mappings = places.bindMemory(to: RoutesMapping.self, capacity: slots)
        for slot in 0..<slots { (mappings + slot).initialize(to: mapping) }
        let handle = RoutesHandle(words: words, mappings: mappings, path: copy)
        handle.claim(0).pointee.store(Claim.mapped, ordering: .sequentiallyConsistent)
        return .open(handle)
    }

    private static func unmapped(_ mapping: RoutesMapping) -> Outcome {
        mapping.unmap()
        return .absent
    }

    package func close() {
        for slot in 0..<Self.slots
        where claim(slot).pointee.load(ordering: .sequentiallyConsistent) == Claim.mapped {
            unmap(slot)
        }
        free(mappings)
        free(words)
        free(path)
    }

    // MARK: As one pointer

    /// Puts the handle in memory of its own, for callers who keep a pointer.
    package func boxed() -> UnsafeMutableRawPointer? {
        guard let box = malloc(MemoryLayout<RoutesHandle>.stride) else { return nil }
        box.bindMemory(to: RoutesHandle.self, capacity: 1).initialize(to: self)
        return box
    }

    package static func at(_ box: UnsafeMutableRawPointer) -> RoutesHandle {
        box.assumingMemoryBound(to: RoutesHandle.self).pointee
    }

    // MARK: Words

    private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (words + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    private var current: Int {
        Int(
            truncatingIfNeeded: atomic(Word.current).pointee.load(ordering: .sequentiallyConsistent)
        )
    }

    func claim(_ slot: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        atomic(Word.claims &+ slot &* 8)
    }

    private func counter(_ slot: Int, _ stripe: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        atomic(Word.size &+ slot &* Self.counterSize &+ stripe &* Self.lineSize)
    }

    /// Whether a lookup is in a mapping.
    private func isInUse(_ slot: Int) -> Bool {
        for stripe in 0..<Self.stripes {
            if counter(slot, stripe).pointee.load(ordering: .sequentiallyConsistent) != 0 {
                return true
            }
        }
        return false
    }

    // MARK: Reading

    /// Milliseconds of the clock that counts sleep. The kernel's page for it is read, no call is made.
    package static func now() -> UInt64 { milliseconds(CLOCK_BOOTTIME) }

    private static func milliseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000
            &+ UInt64(truncatingIfNeeded: time.tv_nsec) / 1_000_000
    }

    /// Lets `body` read the current file.
    ///
    /// - Parameter body: it's called once; what it gets is good until it returns. It isn't readable where the file has been
    ///   replaced by one that can't be had: what it says isn't so any more.
    package func reading<Value>(_ body: (RoutesView) -> Value) -> Value {
        // A thread's stack lies apart from others': its address tells threads apart without a call.
        var mark: UInt8 = 0
        let address = withUnsafeMutablePointer(to: &mark) { UInt(bitPattern: $0) }
        let stripe = Int(truncatingIfNeeded: (address &>> 16 ^ address &>> 23) & 15)
        while true {
            let slot = current
            let counter = counter(slot, stripe)
            counter.pointee.add(1, ordering: .sequentiallyConsistent)
            guard current == slot else {
                counter.pointee.subtract(1, ordering: .sequentiallyConsistent)
                continue
            }
            var view = mappings[slot].view
            if isDue(view) {
                switch follow(view, slot) {
                case .stay: break
                case .lost: view.isLost = true
                case .moved:
                    counter.pointee.subtract(1, ordering: .sequentiallyConsistent)
                    continue
                }
            }
            let value = body(view)
            counter.pointee.subtract(1, ordering: .sequentiallyConsistent)
            return value
        }
    }

    // MARK: Following

    /// Whether the path is to be looked at: another file has taken this one's place, or may have, for it's a second since
    /// somebody asked. Who asks once a minute sees that too.
    private func isDue(_ view: RoutesView) -> Bool {
        guard view.state == RoutesFormat.State.live else { return true }
        // To some milliseconds: what costs least.
        let now = Self.milliseconds(CLOCK_MONOTONIC_COARSE)
        let next = atomic(Word.nextDoubt)
        guard now >= next.pointee.load(ordering: .relaxed) else { return false }
        next.pointee.store(now &+ 1_000, ordering: .relaxed)
        return true
    }

    /// After this long without a word from the agent, its file may be another one.
    private static let quiet: UInt64 = 3_000

    private enum Outlook {
        case stay
        /// There's another mapping to use.
        case moved
        /// The file is retired, and what has taken its place can't be mapped.
        case lost
    }

    /// Maps the file that has taken this one's place, if there is one.
    private func follow(_ view: RoutesView, _ slot: Int) -> Outlook {
        let isRetired = view.state != RoutesFormat.State.live
        let isQuiet = Self.now() &- view.word(at: RoutesFormat.Field.heardAt) > Self.quiet
        guard isRetired || isQuiet else {
            tidy(besides: slot)
            return .stay
        }
        // A file that is live is what there is, whatever stands at its path.
        let failed = isRetired ? Outlook.lost : .stay
        guard let isSame = isCurrent(slot) else { return failed }
        guard !isSame else { return .stay }
        guard case .mapped(let mapping) = RoutesMapping.map(path) else { return failed }
        var outlook = Outlook.moved
        if !mapping.view.isReadable {
            outlook = failed
        } else if !succeeds(mapping.view, view) {
            outlook = .stay
        } else if let place = place(besides: slot) {
            mappings[place] = mapping
            // The slot can't be another file's meanwhile: this lookup is counted in it.
            let isFirst = atomic(Word.current).pointee.compareExchange(
                expected: UInt64(truncatingIfNeeded: slot),
                desired: UInt64(truncatingIfNeeded: place), ordering: .sequentiallyConsistent
            ).exchanged
            // Until here nobody else could take the place.
            if !isFirst { unmap(place) }
            claim(place).pointee.store(
                isFirst ? Claim.mapped : Claim.free, ordering: .sequentiallyConsistent)
            return .moved
        } else {
            outlook = failed
        }
        mapping.unmap()
        return outlook
    }

    /// Whether the path still leads to this file; nil: it leads nowhere.
    private func isCurrent(_ slot: Int) -> Bool? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return UInt64(status.st_dev) == mappings[slot].device
            && UInt64(status.st_ino) == mappings[slot].inode
    }

    /// Nobody is ever answered from an older revision than before, but for another epoch's.
    private func succeeds(_ new: RoutesView, _ old: RoutesView) -> Bool {
        // What isn't to be believed has no revision either.
        guard old.isReadable else { return true }
        let epoch = RoutesFormat.Field.epoch
        let isSame =
            memcmp(new.base + epoch, old.base + epoch, RoutesFormat.Field.epochSize) == 0
        return !isSame || new.visible >= old.visible
    }

    /// A place that is nobody else's.
    private func place(besides slot: Int) -> Int? {
        for place in 0..<Self.slots where place != slot {
            if take(place, from: Claim.free) { return place }
        }
        for place in 0..<Self.slots where place != slot {
            if take(place, from: Claim.mapped) {
                if clear(place) { return place }
                claim(place).pointee.store(Claim.mapped, ordering: .sequentiallyConsistent)
            }
        }
        return nil
    }

    private func take(_ place: Int, from state: UInt64) -> Bool {
        claim(place).pointee.compareExchange(
            expected: state, desired: Claim.taken, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Unmaps what is at a place that was taken, unless somebody may read there: it's current, or he was counted in before it
    /// ceased to be. In this order: who counts himself in after it has ceased to be sees that, and doesn't read.
    private func clear(_ place: Int) -> Bool {
        guard current != place, !isInUse(place) else { return false }
        unmap(place)
        return true
    }

    private func letGo(_ place: Int) {
        guard take(place, from: Claim.mapped) else { return }
        let state = clear(place) ? Claim.free : Claim.mapped
        claim(place).pointee.store(state, ordering: .sequentiallyConsistent)
    }

    /// Lets go of old files in which nobody is any more.
    private func tidy(besides slot: Int) {
        for place in 0..<Self.slots where place != slot { letGo(place) }
    }

    private func unmap(_ slot: Int) { mappings[slot].unmap() }
}
