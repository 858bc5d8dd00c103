import CLDNS
import RegistryModel

/// A record that ldns has read, in the one form in which records are compared and written.
struct RecordText {
    /// Lower case, without the final dot.
    var owner: String
    /// In seconds.
    var ttl: UInt32
    /// `IN`, as a rule.
    var recordClass: String
    var type: String
    /// In presentation form; names in it are absolute, and in lower case where RFC 4034 §6.2 has them so: servers keep, or
    /// don't keep, the case in which they were written.
    var value: String

    /// - Returns: nil for what isn't a whole record.
    init?(_ record: UnsafeMutablePointer<ldns_rr>) {
        ldns_rr2canonical(record)
        // Without what ldns derives, which it writes behind a semicolon.
        var format = ldns_output_format(flags: 0, data: nil)
        guard let written = ldns_rr2str_fmt(&format, record) else { return nil }
        defer { free(written) }
        // Owner, TTL, class, type, and the data, which may have tabs in it.
        let fields = String(cString: written).prefix { $0 != "\n" }.split(
            separator: "\t", maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count == 5, let ttl = UInt32(fields[1]) else { return nil }
        owner = String(fields[0].dropLast())
        self.ttl = ttl
        recordClass = String(fields[2])
        type = String(fields[3])
        let value = fields[4].drop { $0 == " " }
        self.value =
            type == "AAAA" ? IPv6Address(value)?.description ?? String(value) : String(value)
    }
}

extension RecordSet {
    /// What the server that signs makes of a zone, and what is computed over a whole zone: nothing of it would fit another one.
    static let signersTypes: Set<String> = [
        "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "SIG", "KEY", "NXT",
        "ZONEMD",
    ]
}
