import RegistryModel
import RoutingTable
import SharedRoutes

/// Looks names up in a row: none is of an older revision than the one before, and each is wholly of its own.
struct Watch {
    private(set) var last: Int64
    private let course: Course

    init(_ course: Course, after last: Int64 = 0) {
        (self.course, self.last) = (course, last)
    }

    struct Fault: Error {
        var what: String
    }

    private mutating func go(to revision: Int64, _ what: String) throws(Fault) {
        guard revision >= last else {
            throw Fault(what: "\(what) is of \(revision) after \(last)")
        }
        last = revision
    }

    private mutating func check(
        _ name: FQDN, _ location: LocationName, _ upstream: String?, _ mode: Mode,
        _ number: Revision
    ) throws(Fault) {
        let revision = number.number
        guard location == Contents.location(revision), mode == Contents.mode(revision),
            upstream == Contents.upstream(revision)
        else {
            throw Fault(
                what: "\(name) of \(revision) is at \(location), \(upstream ?? "-"), \(mode)")
        }
        try go(to: revision, "\(name)")
    }

    // MARK: A handle

    private mutating func find(_ name: FQDN, in reader: RoutesReader) throws(Fault) -> Bool {
        while true {
            let before = course.removals
            switch reader.find(name.text) {
            case .found(let route):
                try check(name, route.location, route.upstream, route.mode, route.revision)
                return true
            case .unknown: return false
            case .notReady:
                // Whoever still has the file before finds that it's retired and that there's none at the path: nobody can
                // say what is so then.
                let after = course.removals
                guard before != after || after % 2 == 1 else {
                    throw Fault(what: "\(name) isn't ready after \(last)")
                }
            }
        }
    }

    /// All names and the sums, once.
    mutating func read(_ reader: RoutesReader) throws(Fault) -> Int {
        for (number, name) in Contents.steady.enumerated() {
            guard try find(name, in: reader) else {
                throw Fault(what: "\(name) isn't there after \(last)")
            }
            guard number % 4 == 3 else { continue }
            let before = last
            let isThere = try find(Contents.coming[number / 4], in: reader)
            guard try find(name, in: reader) else {
                throw Fault(what: "\(name) isn't there any more after \(last)")
            }
            // It was away, or there, in at least one of the revisions between.
            guard (before...last).contains(where: { Contents.hasComing($0) == isThere }) else {
                throw Fault(
                    what: "\(Contents.coming[number / 4]): \(isThere) in \(before)...\(last)")
            }
        }
        guard let status = reader.status() else {
            throw Fault(what: "there are no sums after \(last)")
        }
        try go(to: status.position.revision.number, "the sum")
        guard status.position == Contents.position(last), status.domains == Contents.count(last)
        else { throw Fault(what: "\(status.domains) domains at \(status.position)") }
        return Contents.steady.count * 3 / 2
    }

    // MARK: An agent

    /// What an agent answers by HTTP: from the file that one before it has left, and then from its table.
    mutating func read(_ table: SharedTable) throws(Fault) -> Int {
        for name in Contents.steady {
            guard let read = try? table.route(name), let target = read.value else {
                throw Fault(what: "the agent doesn't know \(name) after \(last)")
            }
            try check(
                name, target.location, target.upstream?.text, target.mode, target.revision)
            try go(to: read.revision.number, "the agent's answer")
        }
        return Contents.steady.count
    }
}
