import RegistryModel

/// One change as the feed tells it: what a copy of the routing table has to do.
package enum FeedChange: Sendable, Hashable {
    /// The domain is now so; its `revision` is the change's.
    case set(Domain)
    case gone(Revision, FQDN)
    /// A location's upstream is now this one; nil: the location is deleted, and no domain is there.
    case locationChanged(Revision, LocationName, upstream: UpstreamURL?)

    package var revision: Revision {
        switch self {
        case .set(let domain): domain.revision
        case .gone(let revision, _): revision
        case .locationChanged(let revision, _, _): revision
        }
    }
}

extension FeedChange {
    package init(_ change: RevisionChanges.LocationChange, at revision: Revision) {
        self =
            switch change {
            case .set(let location):
                .locationChanged(revision, location.name, upstream: location.settings.upstream)
            case .gone(let name): .locationChanged(revision, name, upstream: nil)
            }
    }
}

extension JSONWriter {
    package mutating func write(_ change: FeedChange) {
        switch change {
        case .set(let domain): domain.write(to: &self)
        case .gone(let revision, let fqdn):
            beginObject()
            field("revision", Cell(revision))
            field("fqdn", .text(fqdn.text))
            field("gone", .bool(true))
            endObject()
        case .locationChanged(let revision, let name, let upstream):
            beginObject()
            field("revision", Cell(revision))
            key("location_changed")
            beginObject()
            field("name", .text(name.text))
            key("upstream")
            if let upstream { string(upstream.text) } else { null() }
            endObject()
            endObject()
        }
    }
}

extension FeedChange {
    /// Reads one of a page's changes. What is wrong with it is in the reader's problems.
    init?(_ object: inout JSONObjectReader) {
        if object.has("location_changed") {
            let revision = object.revision("revision")
            guard let location = object.locationChange() else { return nil }
            guard let revision else { return nil }
            self = .locationChanged(revision, location.name, upstream: location.upstream)
        } else if object.has("gone") {
            let (revision, fqdn) = (object.revision("revision"), object.fqdn("fqdn"))
            guard object.bool("gone") == true else {
                object.refuse("gone", "not-allowed", "only true is expected")
                return nil
            }
            guard let revision, let fqdn else { return nil }
            self = .gone(revision, fqdn)
        } else {
            guard let domain = Domain(reading: &object) else { return nil }
            self = .set(domain)
        }
    }
}

extension JSONObjectReader {
    fileprivate mutating func locationChange() -> (name: LocationName, upstream: UpstreamURL?)? {
        guard var object = object("location_changed") else { return nil }
        return object.locationUpstream(isNullable: true)
    }
}
