import CTenantRoutes
import Foundation
import RegistryModel

/// The one writer of a path: keeps its file as the table is, revision by revision, and puts a larger one in its place when
/// it's full.
///
/// What a revision changes is written first, each word in the place of its record's older one; nobody sees any of it. Then
/// one store makes the revision visible. Whoever kills the writer meanwhile leaves words that are newer than what is
/// visible: readers pass them over, and the next writer takes them out.
package final class RoutesWriter {
    package let path: String
    let lock: Int32
    let boot: String
    /// Nil: readers have nothing yet, or what they have isn't gone on with.
    var file: RoutesFile?
    /// Places of locations in the file.
    var locations: [LocationName: Int] = [:]
    /// Records and locations with a word that isn't visible yet.
    var pending: [Int] = []
    var pendingLocations: [Int] = []
    /// Of the domains that the newest words say are there.
    var sum = RoutesSum()
    /// How often the file was made anew from a table: what was changed before is in none of it.
    package internal(set) var generation = 0
    /// Readers of a file that somebody has taken away look for another one when the agent isn't heard in theirs: they have
    /// found the one that is there now at this time, in milliseconds of the clock that counts sleep.
    private var foundAt: UInt64 = 0
    /// Why what was changed can't be made visible.
    package internal(set) var failure: SharedRoutesFailure?

    /// Takes the path, and what an agent before has left there.
    ///
    /// - Throws: where another agent has the path, or its folder can't be written.
    package init(path: String) throws(SharedRoutesFailure) {
        self.path = path
        boot =
            (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        lock = tr_system_open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw SharedRoutesFailure("can't be made", "\(path).lock") }
        // Whoever can open it could hold it, and keep agents out.
        fchmod(lock, 0o600)
        guard Self.take(lock) else {
            close(lock)
            throw SharedRoutesFailure("\(path): another agent keeps it")
        }
        unlink("\(path).new")
        if hasLostFile() { foundAt = .max }
        takeOver()
    }

    /// The file has all that the registry's log has. From here on readers of a lost one can follow: they never go to a file
    /// that is older than theirs.
    package func isWhole() {
        if foundAt == .max, failure == nil, file != nil {
            foundAt = RoutesHandle.now() + Self.longestSearch
        }
    }

    /// Whether the lock is what another agent would find.
    package var hasLock: Bool {
        var (own, there) = (stat(), stat())
        return fstat(lock, &own) == 0 && stat("\(path).lock", &there) == 0
            && own.st_ino == there.st_ino && own.st_dev == there.st_dev
    }

    /// A little more than `RoutesHandle` takes: three seconds without a word from the agent, and one between two looks.
    private static let longestSearch: UInt64 = 4_500

    /// Whether every reader, of an older file too, is answered from what is written here.
    package var isFound: Bool { RoutesHandle.now() >= foundAt }

    /// Tries for a second: what an agent was just starting when it ended has its files until it runs.
    private static func take(_ lock: Int32) -> Bool {
        for _ in 0..<100 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(10_000)
        }
        return false
    }

    deinit {
        close(lock)
    }

    /// What readers see; nil: nothing that is gone on with.
    package var position: Position? {
        file.map { Position(epoch: $0.epoch, revision: Revision(Int64(clamping: $0.view.visible))) }
    }

    package var bytes: Int { file?.view.size ?? 0 }
    package var names: Int { file?.names ?? 0 }

    /// Whether readers who open the path find what is written here.
    package var isInPlace: Bool { file?.isThere(path) ?? false }

    /// Until when readers may let writes through to announced domains, in milliseconds of the clock that counts sleep.
    package var leaseEnd: UInt64 = 0 {
        didSet { file?.store(leaseEnd, at: RoutesFormat.Field.leaseEnd) }
    }

    /// The agent has heard the registry, and what it heard is in the file.
    package func heard() {
        guard failure == nil else { return }
        file?.store(RoutesHandle.now(), at: RoutesFormat.Field.heardAt)
    }

    // MARK: Taking over

    /// Goes on with the file that is there, where it's sound: of this start of the machine, whole, and of the sum that its
    /// last writer has left with the revision that is visible.
    private func takeOver() {
        // One that is retired, and still there, was to be replaced by somebody who was killed before he did.
        guard let found = try? RoutesFile.existing(at: path), found.boot == boot,
            found.view.isReadable
        else {
            if !RoutesFile.retire(at: path) { foundAt = .max }
            return
        }
        let visible = found.view.visible
        var sum = RoutesSum()
        let isWhole = found.forEachRecord { record in
            let word = Self.takeOut(newerThan: visible, at: record, of: found)
            if word.isPresent { sum.add(found.name(of: record), word, found.view) }
        }
        guard isWhole, let left = found.view.sum(), left.revision == visible, sum.matches(left)
        else {
            // Readers ask again until there's another one.
            found.store(RoutesFormat.State.mending, at: RoutesFormat.Field.state)
            return
        }
        for place in 0..<found.locationCount {
            guard let offset = found.view.location(place) else { return }
            Self.takeOut(newerThan: visible, at: offset, of: found)
            let name = String(decoding: found.locationName(place), as: UTF8.self)
            locations[LocationName(canonical: name)] = place
        }
        found.countNames()
        found.store(RoutesFormat.State.live, at: RoutesFormat.Field.state)
        (file, self.sum) = (found, sum)
        // What the agent before was answered is good until then: it had applied what came with it.
        let end = found.view.word(at: RoutesFormat.Field.leaseEnd)
        leaseEnd = end == RoutesFormat.endlessLease ? 0 : end
    }

    /// Puts what is visible in the place of a word that isn't. Not an empty one: a reader that read *visible* long ago would
    /// take it for the word of then.
    ///
    /// - Returns: what is visible.
    @discardableResult
    private static func takeOut(
        newerThan visible: UInt64, at offset: Int, of file: RoutesFile
    ) -> RouteWord {
        let (one, other) = (file.word(at: offset), file.word(at: offset + 8))
        if one.revision > visible {
            let shown = other.revision > visible ? RouteWord.never : other
            file.store(shown.bits, at: offset)
            if other.revision > visible { file.store(shown.bits, at: offset + 8) }
            return shown
        }
        if other.revision > visible {
            file.store(one.bits, at: offset + 8)
            return one
        }
        return other.revision > one.revision ? other : one
    }

    // MARK: Changes

    /// A domain is so from a revision on. What is visible already is passed over.
    package func set(
        _ name: UnsafeRawBufferPointer, _ location: LocationName, _ mode: Mode, fence: Mode? = nil,
        revision: Revision
    ) {
        change { file throws(Full) in
            guard let place = place(of: location, in: file) else { throw Full() }
            let word = RouteWord(
                revision: UInt64(revision.number), location: place, mode: mode.routeNumber,
                fence: fence?.routeNumber ?? 0)
            try put(word, of: name, in: file)
        }
    }

    package func remove(_ name: UnsafeRawBufferPointer, revision: Revision) {
        change { file throws(Full) in
            try put(RouteWord(absentSince: UInt64(revision.number)), of: name, in: file)
        }
    }

    /// - Parameter upstream: nil: the location is gone.
    package func set(_ location: LocationName, upstream: UpstreamURL?, revision: Revision) {
        change { file throws(Full) in
            guard UInt64(revision.number) > file.view.visible else { return }
            guard let place = place(of: location, in: file), let offset = file.view.location(place)
            else { throw Full() }
            var word = RouteWord(absentSince: UInt64(revision.number))
            if var text = upstream?.text {
                guard let unit = text.withUTF8({ file.addText(UnsafeRawBufferPointer($0)) }) else {
                    throw Full()
                }
                word = RouteWord(revision: UInt64(revision.number), textUnit: unit)
            }
            put(word, at: offset, in: file, &pendingLocations)
        }
    }

    /// What was changed and isn't visible never was.
    package func discard() {
        guard let file else { return }
        for record in pending {
            let (newest, visible) = words(at: record, in: file)
            sum.replace(newest, by: visible, file.name(of: record), file.view)
            Self.takeOut(newerThan: file.view.visible, at: record, of: file)
        }
        for location in pendingLocations {
            Self.takeOut(newerThan: file.view.visible, at: location, of: file)
        }
        (pending, pendingLocations) = ([], [])
    }

    /// What is to be in the file isn't: nothing becomes visible before it's replaced.
    package func fail(_ failure: SharedRoutesFailure) {
        self.failure = failure
    }

    /// Makes all that was changed visible, as one.
    ///
    /// - Returns: whether readers have it: not where some of it couldn't be written.
    package func publish(_ revision: Revision) -> Bool {
        guard let file, failure == nil else { return false }
        if UInt64(revision.number) > file.view.visible { show(UInt64(revision.number), in: file) }
        (pending, pendingLocations) = ([], [])
        heard()
        return true
    }

    func show(_ revision: UInt64, in file: RoutesFile) {
        let visible = file.view.visible
        // The sum of what is visible stays until the other one is.
        let first = RoutesFormat.Field.sums
        let isFirst = file.view.word(at: first) != visible
        let offset = isFirst ? first : first + RoutesFormat.sumSize
        file.store(.max, at: offset)
        file.store(sum.low, at: offset + 8)
        file.store(sum.high, at: offset + 16)
        file.store(sum.domains, at: offset + 24)
        file.store(revision, at: offset)
        file.store(revision, at: RoutesFormat.Field.visible)
    }

    private struct Full: Error {}

    /// Changes the file, or else a larger copy of it.
    private func change(_ body: (RoutesFile) throws(Full) -> Void) {
        guard failure == nil, let file else { return }
        if (try? body(file)) != nil { return }
        do throws(SharedRoutesFailure) {
            let larger = try grow(file)
            guard (try? body(larger)) != nil else {
                throw SharedRoutesFailure("\(path): it can't hold what is to be in it")
            }
        } catch {
            failure = error
        }
    }

    private func place(of location: LocationName, in file: RoutesFile) -> Int? {
        if let place = locations[location] { return place }
        guard let place = file.addLocation(location) else { return nil }
        locations[location] = place
        return place
    }

    private func put(
        _ word: RouteWord, of name: UnsafeRawBufferPointer, in file: RoutesFile
    ) throws(Full) {
        guard word.revision > file.view.visible else { return }
        guard let record = file.record(of: name) else { throw Full() }
        let (newest, _) = words(at: record, in: file)
        sum.replace(newest, by: word, name, file.view)
        put(word, at: record, in: file, &pending)
    }

    /// In the place of the word that nobody can see, or else of the older one.
    private func put(
        _ word: RouteWord, at offset: Int, in file: RoutesFile, _ pending: inout [Int]
    ) {
        let visible = file.view.visible
        guard word.revision > visible else { return }
        let (one, other) = (file.word(at: offset), file.word(at: offset + 8))
        if one.revision > visible {
            file.store(word.bits, at: offset)
        } else if other.revision > visible {
            file.store(word.bits, at: offset + 8)
        } else {
            file.store(word.bits, at: one.revision <= other.revision ? offset : offset + 8)
            pending.append(offset)
        }
    }

    /// The newest word, and the newest that is visible.
    func words(
        at offset: Int, in file: RoutesFile
    ) -> (newest: RouteWord, visible: RouteWord) {
        let (one, other) = (file.word(at: offset), file.word(at: offset + 8))
        let newest = one.revision > other.revision ? one : other
        let older = one.revision > other.revision ? other : one
        return (newest, newest.revision > file.view.visible ? older : newest)
    }
}

extension Mode {
    var routeNumber: Int32 {
        switch self {
        case .serve: 0
        case .readOnly: 1
        case .reject: 2
        }
    }
}
