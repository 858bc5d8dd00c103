import Foundation
import Logging
import RegistryModel
import RoutingTable
import SharedRoutes

/// One agent after another writes a file, in every way that it does; threads read it, by one handle and through the agent.
@main struct RaceRoutes {
    private let path: String
    private let course = Course()
    private let reader: RoutesReader
    private var shared: SharedTable?
    private var asked: Worker?
    private var revision: Int64 = 1
    private var (agents, files, loads, losses) = (0, 0, 0, 0)
    private var inode: ino_t = 0
    /// What agents have answered by the time that they ended.
    private let answered = Answered()
    private var askedIsOver = Course()

    /// Touched by one thread after another, each of which is joined before the next.
    private final class Answered: @unchecked Sendable {
        var last: Int64 = 0
    }

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let seconds = Double(arguments[2]) else {
            print("usage: \(arguments[0]) FOLDER SECONDS")
            exit(2)
        }
        var race = try RaceRoutes(folder: arguments[1])
        try race.run(for: .seconds(seconds))
        race.report()
    }

    private init(folder: String) throws {
        path = "\(folder)/routes"
        let first = try Self.share(path)
        first.load(
            Contents.domains(1), locations: Contents.locations(1), at: Contents.position(1))
        first.started()
        shared = first
        reader = try RoutesReader(path: path)
    }

    private static func share(_ path: String) throws -> SharedTable {
        try SharedTable(
            CompactRoutingTable(), path: path,
            logger: Logger(label: "race") { _ in SwiftLogNoOpLogHandler() })
    }

    // MARK: Reading

    /// Somebody who asks the agent, for as long as there's this one.
    private mutating func ask(_ table: SharedTable) {
        agents += 1
        let (course, answered, over) = (course, answered, Course())
        askedIsOver = over
        asked = Worker {
            var watch = Watch(course, after: answered.last)
            do throws(Watch.Fault) {
                repeat { course.count(try watch.read(table)) } while !over.isOver && !course.isOver
            } catch {
                course.fail(error.what)
            }
            answered.last = watch.last
        }
    }

    private mutating func endAsking() {
        askedIsOver.end()
        asked?.join()
        asked = nil
    }

    private func readers() -> [Worker] {
        (0..<3).map { _ in
            let (course, reader) = (course, reader)
            return Worker {
                var watch = Watch(course)
                do throws(Watch.Fault) {
                    repeat { course.count(try watch.read(reader)) } while !course.isOver
                } catch {
                    course.fail(error.what)
                }
            }
        }
    }

    // MARK: Writing

    private mutating func run(for duration: Duration) throws {
        let begin = ContinuousClock.now
        let (end, last) = (begin + duration, begin + duration * 20)
        let readers = readers()
        if let shared { ask(shared) }
        while !course.isOver {
            let now = ContinuousClock.now
            if now > last || now > end && isEnough { break }
            if Int((now - begin) / .milliseconds(500)) % 2 == 1 {
                rest()
            } else {
                revision += 1
                try step()
                note()
            }
        }
        course.end()
        endAsking()
        for reader in readers { reader.join() }
    }

    /// Nothing happens but heartbeats. Readers tidy up now and then, one of them at a time: a file that came meanwhile
    /// would order them.
    private func rest() {
        shared?.heard()
        sched_yield()
    }

    private mutating func step() throws {
        if revision % 13 == 0 { try takeOver() }
        guard let shared else { return }
        if revision % 29 == 0 {
            losses += 1
            course.passRemoval()
            unlink(path)
            shared.retry()
            course.passRemoval()
        }
        if revision % 37 == 0 {
            loads += 1
            shared.load(
                Contents.domains(revision), locations: Contents.locations(revision),
                at: Contents.position(revision))
        } else {
            if revision % 3 == 0 { begin(shared) }
            guard shared.apply(Contents.changes(revision)) else {
                return course.fail("\(revision) doesn't follow")
            }
        }
        if !shared.covers(Contents.position(revision)) {
            course.fail("\(revision) isn't shared: \(shared.failure?.description ?? "-")")
        }
    }

    /// A revision that comes to nothing, and that is wrong: who sees any of it has seen what never was.
    private func begin(_ shared: SharedTable) {
        let stage = shared.beginStage()
        let elsewhere = Contents.location(revision + 1)
        for name in Contents.steady {
            stage.set(Contents.domain(name, revision, at: elsewhere))
        }
        for name in Contents.coming { stage.remove(name, at: Revision(revision)) }
        // Room for upstreams is what a file runs out of first.
        for later in 1...4 {
            for location in Contents.locations(revision + Int64(later)) {
                stage.change(.set(location), at: Revision(revision))
            }
        }
    }

    /// The agent ends in the middle of a revision. The next one has an older table on its disk.
    private mutating func takeOver() throws {
        if let shared { begin(shared) }
        endAsking()
        shared = nil
        let next = try Self.share(path)
        if next.shared != Contents.position(revision - 1) {
            course.fail("what was left at \(revision - 1) isn't gone on with")
        }
        ask(next)
        shared = next
        let left = max(1, revision - 1 - revision % 5)
        next.load(
            Contents.domains(left), locations: Contents.locations(left),
            at: Contents.position(left))
        next.started()
        for missed in (left + 1)..<max(revision, left + 1)
        where !next.apply(Contents.changes(missed)) {
            course.fail("\(missed) doesn't follow what was left")
        }
    }

    private mutating func note() {
        var status = stat()
        guard stat(path, &status) == 0, status.st_ino != inode else { return }
        inode = status.st_ino
        files += 1
    }

    // MARK: The end

    /// Each file has another inode than the one before it.
    private var grown: Int { files - 1 - loads - losses }

    /// Who sees nothing of all that has shown nothing.
    private var isEnough: Bool { agents > 2 && loads > 0 && losses > 0 && grown > 0 }

    private func report() {
        for fault in course.faults { print("FAULT: \(fault)") }
        print(
            "\(revision) revisions, \(agents) agents, \(files) files: \(loads) made of another "
                + "table, \(losses) for one that was taken away, \(grown) grown; "
                + "\(course.read) lookups")
        exit(course.faults.isEmpty && isEnough ? 0 : 1)
    }
}
