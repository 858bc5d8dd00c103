import CTenantRoutes
import Foundation
import RegistryModel

// How one file takes another one's place: made anew from a table, or a larger copy.

extension RoutesWriter {
    /// Makes a file of all that a table has, and puts it in the place of the one that is there.
    ///
    /// - Parameter fill: puts locations, then domains, into the new file; each is visible at once, for nobody knows the file.
    package func replace(
        at position: Position,
        for capacity: (names: Int, nameBytes: Int, locations: [UpstreamURL?]),
        _ fill: (RoutesFilling) -> Void
    ) throws(SharedRoutesFailure) {
        var room = RoutesFile.Capacity(names: capacity.names, records: 0)
        // Of names of any length: seven bytes at most are lost at the end of each.
        room.records = capacity.nameBytes + capacity.names * (RoutesFormat.recordHead + 7)
        for upstream in capacity.locations { room.add(location: upstream?.text.utf8.count ?? 0) }
        let new = try RoutesFile.make(
            at: "\(path).new", for: room.withSlack, epoch: position.epoch, boot: boot)
        let filling = RoutesFilling(new, UInt64(position.revision.number))
        fill(filling)
        if let failure = filling.failure {
            unlink("\(path).new")
            throw failure
        }
        let old = file
        // A lease of another log says nothing of this one's announcements.
        if old?.epoch != position.epoch { leaseEnd = 0 }
        (sum, locations, pending, pendingLocations) = (filling.sum, filling.locations, [], [])
        show(UInt64(position.revision.number), in: new)
        try install(new, after: old)
        (failure, generation) = (nil, generation + 1)
    }

    /// A larger file with what this one has. What was released goes.
    func grow(_ old: RoutesFile) throws(SharedRoutesFailure) -> RoutesFile {
        let visible = old.view.visible
        var room = RoutesFile.Capacity()
        _ = old.forEachRecord { record in
            let (newest, shown) = words(at: record, in: old)
            if newest.isPresent || shown.isPresent || newest.revision > visible {
                room.add(name: old.name(of: record).count)
            }
        }
        for place in 0..<old.locationCount {
            guard let offset = old.view.location(place) else { continue }
            let (newest, shown) = words(at: offset, in: old)
            for word in [newest, shown] {
                room.add(location: old.view.upstream(word)?.count ?? 0)
            }
        }
        // Twice the room for what is small, and a sixteenth more for what is large.
        room.names += min(room.names, 100_000)
        room.records += min(room.records, 6_400_000)
        let new = try RoutesFile.make(
            at: "\(path).new", for: room.withSlack, epoch: old.epoch, boot: boot)
        var isWhole = true
        for place in 0..<old.locationCount {
            let name = LocationName(
                canonical: String(decoding: old.locationName(place), as: UTF8.self))
            guard let from = old.view.location(place), new.addLocation(name) == place,
                let offset = new.view.location(place)
            else {
                isWhole = false
                break
            }
            for (index, word) in [old.word(at: from), old.word(at: from + 8)].enumerated() {
                guard word.isPresent, let text = old.view.upstream(word) else {
                    new.store(word.bits, at: offset + index * 8)
                    continue
                }
                let bytes = UnsafeRawBufferPointer(
                    start: old.view.base + text.start, count: text.count)
                guard let unit = new.addText(bytes) else {
                    isWhole = false
                    break
                }
                let moved = RouteWord(revision: word.revision, textUnit: unit)
                new.store(moved.bits, at: offset + index * 8)
            }
        }
        var (pending, sum) = ([Int](), RoutesSum())
        let isRead = old.forEachRecord { record in
            let (newest, shown) = words(at: record, in: old)
            guard newest.isPresent || shown.isPresent || newest.revision > visible else { return }
            let name = old.name(of: record)
            guard let copy = new.record(of: name) else {
                isWhole = false
                return
            }
            new.store(shown.bits, at: copy)
            if newest.revision > visible {
                new.store(newest.bits, at: copy + 8)
                pending.append(copy)
            }
            if newest.isPresent { sum.add(name, newest, new.view) }
        }
        guard isWhole, isRead else {
            unlink("\(path).new")
            throw SharedRoutesFailure("\(path): it can't be made larger")
        }
        // What is visible there is of the same revision; its sum is that of the words that are.
        let all = (self.pending, self.sum)
        var shownSum = sum
        for copy in pending {
            let (newest, shown) = (new.word(at: copy + 8), new.word(at: copy))
            shownSum.replace(newest, by: shown, new.name(of: copy), new.view)
        }
        self.sum = shownSum
        show(visible, in: new)
        do throws(SharedRoutesFailure) {
            try install(new, after: old)
        } catch {
            (self.pending, self.sum) = all
            throw error
        }
        (self.pending, self.sum) = (pending, sum)
        pendingLocations = (0..<new.locationCount).compactMap { new.view.location($0) }.filter {
            words(at: $0, in: new).newest.revision > visible
        }
        return new
    }

    /// Readers of the old file go on with it until they find the new one.
    private func install(
        _ new: RoutesFile, after old: RoutesFile?
    ) throws(SharedRoutesFailure) {
        new.store(RoutesHandle.now(), at: RoutesFormat.Field.heardAt)
        new.store(leaseEnd, at: RoutesFormat.Field.leaseEnd)
        new.store(RoutesFormat.State.live, at: RoutesFormat.Field.state)
        // Who is killed between the two leaves a file that nobody goes on with, and readers who look for another. They would
        // find none where somebody has taken the file away: then the new one comes first, and who is killed leaves readers
        // for whom the next agent waits.
        let isThere = old?.isThere(path) ?? false
        if isThere { old?.store(RoutesFormat.State.retired, at: RoutesFormat.Field.state) }
        guard rename("\(path).new", path) == 0 else {
            let failure = SharedRoutesFailure("can't be put in its place", path)
            old?.store(RoutesFormat.State.live, at: RoutesFormat.Field.state)
            unlink("\(path).new")
            throw failure
        }
        if !isThere { old?.store(RoutesFormat.State.retired, at: RoutesFormat.Field.state) }
        file = new
        note(new)
    }

    // MARK: Files that nobody can mark

    /// What the lock keeps of the file that was put in the path's place last.
    private var noted: String {
        var bytes = [UInt8](repeating: 0, count: 200)
        let count = pread(lock, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private func note(_ file: RoutesFile) {
        let bytes = Array("\(boot) \(file.identity)".utf8)
        // What isn't there, or half of it, only makes the next agent wait.
        _ = pwrite(lock, bytes, bytes.count, 0) == bytes.count && ftruncate(lock, bytes.count) == 0
    }

    /// Whether the file that was put there last has been taken away, so that readers who still have it can't be told.
    func hasLostFile() -> Bool {
        let noted = noted
        guard !boot.isEmpty, noted.hasPrefix("\(boot) ") else { return false }
        return RoutesFile.identity(at: path).map { noted != "\(boot) \($0)" } ?? true
    }
}
