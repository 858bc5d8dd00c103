import RegistryModel
import RoutingTable

package let japan = LocationName(canonical: "japan")
package let aws = LocationName(canonical: "aws")
package let epoch = Epoch("epoch")

package func location(_ name: LocationName, upstream: String? = nil, revision: Int64 = 0)
    -> Location
{
    Location(
        name: name,
        settings: LocationSettings(
            upstream: UpstreamURL(canonical: upstream ?? "http://\(name).internal"),
            acceptsSignups: true, isDefaultForSignups: name == japan),
        revision: Revision(revision))
}

package func fqdn(_ number: Int) -> FQDN { FQDN(canonical: "tenant-\(number).kintone.com") }

package func domain(
    _ number: Int, at location: LocationName = japan, mode: Mode = .serve, revision: Int64 = 1
) -> Domain {
    Domain(
        fqdn: fqdn(number),
        placement: Placement(location: location, mode: mode, tenant: nil, fence: nil),
        revision: Revision(revision), registeredAt: Timestamp(milliseconds: 0),
        changedAt: Timestamp(milliseconds: revision))
}

extension RoutingTable {
    package func load(_ domains: [Domain], revision: Int64) {
        load(
            domains, locations: [location(japan), location(aws)],
            at: Position(epoch: epoch, revision: Revision(revision)))
    }

    package func set(_ domains: Domain..., revision: Int64) -> Bool {
        apply(RevisionChanges(revision: Revision(revision), domains: domains.map { .set($0) }))
    }
}

extension TableStage {
    package func add(_ changes: RevisionChanges) {
        for location in changes.locations { change(location, at: changes.revision) }
        for domain in changes.domains {
            switch domain {
            case .set(var domain):
                domain.revision = changes.revision
                set(domain)
            case .gone(let fqdn): remove(fqdn, at: changes.revision)
            }
        }
    }
}
