import RegistryModel

/// The first line of a snapshot: what the domains on the lines after it add up to.
package struct SnapshotHeader: Sendable, Hashable {
    package struct Location: Sendable, Hashable {
        package var name: LocationName
        package var upstream: UpstreamURL

        package init(name: LocationName, upstream: UpstreamURL) {
            self.name = name
            self.upstream = upstream
        }
    }

    package var epoch: Epoch
    package var revision: Revision
    /// How many lines follow.
    package var count: Int
    /// Of all domains and locations.
    package var digest: String
    /// By name.
    package var locations: [Location]

    package init(
        epoch: Epoch, revision: Revision, count: Int, digest: String, locations: [Location]
    ) {
        self.epoch = epoch
        self.revision = revision
        self.count = count
        self.digest = digest
        self.locations = locations
    }
}

extension JSONWriter {
    package mutating func write(_ header: SnapshotHeader) {
        beginObject()
        field("epoch", .text(header.epoch.text))
        field("revision", Cell(header.revision))
        field("count", Cell(header.count))
        field("digest", .text(header.digest))
        key("locations")
        beginArray()
        for location in header.locations {
            beginObject()
            field("name", .text(location.name.text))
            field("upstream", .text(location.upstream.text))
            endObject()
        }
        endArray()
        endObject()
    }
}

extension SnapshotHeader {
    /// Reads the line, without its line break.
    package init(parsing bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a snapshot's header") { SnapshotHeader(&$0) }
    }

    private init?(_ object: inout JSONObjectReader) {
        let (epoch, revision) = (object.epoch("epoch"), object.revision("revision"))
        let count = object.integer("count", in: 0...Int64.max)
        let digest = object.string("digest", maximum: 200)
        var locations: [Location] = []
        for var location in object.objects("locations", maximum: 65_536) {
            guard let (name, upstream) = location.locationUpstream(isNullable: false) else {
                continue
            }
            guard let upstream else { continue }
            locations.append(Location(name: name, upstream: upstream))
        }
        guard let epoch, let revision, let count, let digest else { return nil }
        self.init(
            epoch: epoch, revision: revision, count: Int(count), digest: digest,
            locations: locations)
    }
}
