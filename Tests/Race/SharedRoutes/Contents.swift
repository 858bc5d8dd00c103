import RegistryModel

/// What the registry says at a revision. Each changes every domain that readers ask for, and the upstream that these get:
/// whatever is mixed of two of them shows.
enum Contents {
    /// Names that are always there, and those that every fourth revision takes away and the next one brings back.
    static let steady = (0..<24).map { FQDN(canonical: "steady-\($0).kintone.com") }
    static let coming = (0..<6).map { FQDN(canonical: "coming-\($0).kintone.com") }
    /// Others come along with each revision and are released some revisions later, so that files are full again and again.
    private static let passing = 8
    private static let stay: Int64 = 4
    private static let places = [
        LocationName(canonical: "aws"), LocationName(canonical: "japan"),
    ]
    private static let epoch = Epoch("epoch")

    static func hasComing(_ revision: Int64) -> Bool { revision % 4 != 0 }

    static func position(_ revision: Int64) -> Position {
        Position(epoch: epoch, revision: Revision(revision))
    }

    static func location(_ revision: Int64) -> LocationName { places[Int(revision % 2)] }

    static func upstream(_ revision: Int64) -> String {
        "http://\(location(revision))-\(revision).internal"
    }

    static func mode(_ revision: Int64) -> Mode {
        Mode.allCases[Int(revision) % Mode.allCases.count]
    }

    static func domain(_ name: FQDN, _ revision: Int64, at location: LocationName) -> Domain {
        Domain(
            fqdn: name,
            placement: Placement(location: location, mode: mode(revision), tenant: nil, fence: nil),
            revision: Revision(revision), registeredAt: Timestamp(milliseconds: 0),
            changedAt: Timestamp(milliseconds: revision))
    }

    private static func domain(_ name: FQDN, _ revision: Int64) -> Domain {
        domain(name, revision, at: location(revision))
    }

    private static func passing(of revision: Int64) -> [FQDN] {
        (0..<passing).map { FQDN(canonical: "passing-\(revision)-\($0).kintone.com") }
    }

    /// The revisions of which passing names are there.
    private static func staying(_ revision: Int64) -> ClosedRange<Int64> {
        max(1, revision - stay + 1)...revision
    }

    static func count(_ revision: Int64) -> Int {
        steady.count + (hasComing(revision) ? coming.count : 0)
            + staying(revision).count * passing
    }

    static func domains(_ revision: Int64) -> [Domain] {
        let now = steady + (hasComing(revision) ? coming : [])
        return now.map { domain($0, revision) }
            + staying(revision).flatMap { from in passing(of: from).map { domain($0, from) } }
    }

    /// A revision changes the upstream of the location that it moves everything to; the other one's is as before.
    static func locations(_ revision: Int64) -> [Location] {
        [revision - 1, revision].map { from in
            Location(
                name: location(from),
                settings: LocationSettings(
                    upstream: UpstreamURL(canonical: upstream(from)), acceptsSignups: true,
                    isDefaultForSignups: from % 2 == 0),
                revision: Revision(from))
        }
    }

    static func changes(_ revision: Int64) -> RevisionChanges {
        var domains = steady.map { RevisionChanges.DomainChange.set(domain($0, revision)) }
        domains += coming.map {
            hasComing(revision) ? .set(domain($0, revision)) : .gone($0)
        }
        domains += passing(of: revision).map { .set(domain($0, revision)) }
        if revision > stay { domains += passing(of: revision - stay).map { .gone($0) } }
        return RevisionChanges(
            revision: Revision(revision), domains: domains,
            locations: [.set(locations(revision)[1])])
    }
}
