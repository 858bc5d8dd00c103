import RegistryModel
import RoutingTable

let japan = LocationName(canonical: "japan")
let aws = LocationName(canonical: "aws")
let epoch = Epoch("epoch")

func location(_ name: LocationName, upstream: String? = nil, revision: Int64 = 0) -> Location {
    Location(
        name: name,
        settings: LocationSettings(
            upstream: UpstreamURL(canonical: upstream ?? "http://\(name).internal"),
            acceptsSignups: true, isDefaultForSignups: name == japan),
        revision: Revision(revision))
}

func fqdn(_ number: Int) -> FQDN { FQDN(canonical: "tenant-\(number).kintone.com") }

func domain(
    _ number: Int, at location: LocationName = japan, mode: Mode = .serve, revision: Int64 = 1
) -> Domain {
    Domain(
        fqdn: fqdn(number), placement: Placement(location: location, mode: mode),
        revision: Revision(revision), registeredAt: Timestamp(milliseconds: 0),
        changedAt: Timestamp(milliseconds: revision))
}

extension RoutingTable {
    func load(_ domains: [Domain], revision: Int64) {
        load(
            domains, locations: [location(japan), location(aws)],
            at: Position(epoch: epoch, revision: Revision(revision)))
    }

    func set(_ domains: Domain..., revision: Int64) -> Bool {
        apply(RevisionChanges(revision: Revision(revision), domains: domains.map { .set($0) }))
    }
}
