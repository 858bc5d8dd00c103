import RegistryModel
import RoutingTable

extension RegistryService {
    /// Holds a list of what a location really has against the table, as it is now.
    ///
    /// Looks at every name that there is: some 50 ms for 1,000,000.
    ///
    /// - Throws: `unknownLocation`.
    public func drift(of location: LocationName) throws(RegistryError) -> DriftComparison {
        guard let checklist = try table.checklist(of: location) else {
            throw .unknownLocation(location)
        }
        return DriftComparison(checklist)
    }
}

/// A list of what a location really has, held against one revision: first its names one by one, then what the
/// location should have beside them.
///
/// A name counts once, however often it's in the list. Of names that nobody has registered that holds for the first
/// 65,536 different ones, or 4 MiB of them: they are kept, and a list of any length must not take memory of any size.
public struct DriftComparison: Sendable {
    /// - Parameters:
    ///   - name: UTF-8, good until the closure returns.
    ///   - registered: where it is, of what is elsewhere.
    public typealias Report = (
        _ name: UnsafeRawBufferPointer, DriftFinding, _ registered: LocationName?
    ) -> Void

    public private(set) var counts = DriftCounts()
    private let checklist: LocationChecklist

    /// Characters of what is no name that are told.
    private static let shownCharacters = 253

    init(_ checklist: LocationChecklist) {
        self.checklist = checklist
    }

    /// What everything is read at.
    public var position: Position { checklist.position }

    /// Takes what the list has in one line, by the rules of lookups.
    ///
    /// - Parameter report: called where it's a finding.
    public mutating func take(_ text: UnsafeRawBufferPointer, _ report: Report) {
        withUnsafeTemporaryAllocation(byteCount: FQDN.maximumLength, alignment: 8) { canonical in
            switch FQDN.read(text, canonical: canonical) {
            case .canonical(let count):
                tick(UnsafeRawBufferPointer(rebasing: canonical[..<count]), report)
            case .malformed: refuse(text, report)
            case .needsIDNA:
                guard let fqdn = try? FQDN(String(decoding: text, as: UTF8.self)) else {
                    return refuse(text, report)
                }
                var name = fqdn.text
                name.withUTF8 { tick(UnsafeRawBufferPointer($0), report) }
            }
        }
    }

    private mutating func tick(_ name: UnsafeRawBufferPointer, _ report: Report) {
        switch checklist.tick(name) {
        case .here, .again: return
        case .elsewhere(let location): self.report(name, .elsewhere, location, report)
        case .unknown: self.report(name, .unknown, nil, report)
        }
    }

    /// Takes a line that holds no name.
    public mutating func refuse(_ text: UnsafeRawBufferPointer, _ report: Report) {
        // A character has 4 bytes at most.
        let beginning = text.prefix(4 * (Self.shownCharacters + 1))
        let scalars = String(decoding: beginning, as: UTF8.self).unicodeScalars
        var shown = String(scalars.prefix(Self.shownCharacters))
        if scalars.count > Self.shownCharacters { shown += "…" }
        shown.withUTF8 { self.report(UnsafeRawBufferPointer($0), .invalid, nil, report) }
    }

    private mutating func report(
        _ name: UnsafeRawBufferPointer, _ finding: DriftFinding, _ registered: LocationName?,
        _ report: Report
    ) {
        counts.add(finding)
        report(name, finding, registered)
    }

    /// The list is over. What the location should have beside it is put in order, which takes about a second for
    /// 1,000,000 names.
    public func endList() { checklist.sortMissing() }

    /// The next names that the list should have had, by name.
    ///
    /// - Returns: false where none is left.
    public mutating func takeMissing(atMost count: Int, _ report: Report) -> Bool {
        var told = 0
        let isMore = checklist.takeMissing(count) { name in
            told += 1
            report(name, .missing, nil)
        }
        counts.missing += told
        return isMore
    }
}
