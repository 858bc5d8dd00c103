import RegistryModel

/// An event that says where the log ends, and the digest of the routing table there.
package struct Heartbeat: Sendable, Hashable {
    /// The revision that the digest belongs to.
    package var head: Revision
    /// As a snapshot's header has it, for example `sum-murmur3:00…`.
    package var digest: String

    package init(head: Revision, digest: String) {
        self.head = head
        self.digest = digest
    }

    package init(parsing bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a heartbeat") { object in
            let (head, digest) = (object.revision("head"), object.string("digest", maximum: 200))
            guard let head, let digest else { return nil }
            return Heartbeat(head: head, digest: digest)
        }
    }
}

extension JSONWriter {
    package mutating func write(_ heartbeat: Heartbeat) {
        beginObject()
        field("head", heartbeat.head.number)
        field("digest", heartbeat.digest)
        endObject()
    }
}
