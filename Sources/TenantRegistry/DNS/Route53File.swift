import Foundation
import RegistryAPI
import RegistryDNS
import RegistryModel

/// What `aws route53 list-resource-record-sets` prints.
enum Route53File {
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: `Malformed`, also for a list that is only a part of the zone's: what it doesn't have would seem to be missing.
    static func read(_ bytes: [UInt8], zone: String) throws(Malformed) -> [ServedSet] {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: bytes)
        } catch {
            throw Malformed(description: "it isn't JSON: \(error)")
        }
        var root = JSONObjectReader(document)
        let isPart =
            (root.optionalBool("IsTruncated") ?? false) || root.has("NextToken")
            || root.has("NextRecordName")
        guard !isPart else {
            throw Malformed(description: "it's only a part of the zone: leave out --max-items")
        }
        var sets: [ServedSet] = []
        var hasAuthority = false
        for var object in root.objects("ResourceRecordSets", maximum: .max) {
            guard let set = read(&object, root) else { break }
            guard set.set.name == zone || set.set.name.hasSuffix("." + zone) else {
                throw Malformed(description: "\(set.set.name) isn't in the zone \(zone)")
            }
            if set.set.type == "SOA" { hasAuthority = true }
            sets.append(set)
        }
        if let problem = root.problems.first {
            throw Malformed(description: "\(problem.pointer): \(problem.detail)")
        }
        guard hasAuthority else {
            throw Malformed(description: "it has no SOA of \(zone): it isn't the whole zone")
        }
        return sets
    }

    /// What makes a set one of several for the same name and type, or depends on a check.
    private static let routing = [
        "SetIdentifier", "Weight", "Region", "Failover", "MultiValueAnswer", "HealthCheckId",
        "TrafficPolicyInstanceId", "GeoLocation", "CidrRoutingConfig", "GeoProximityLocation",
    ]

    private static func read(
        _ object: inout JSONObjectReader, _ root: JSONObjectReader
    ) -> ServedSet? {
        guard let name = object.text("Name"), let type = object.text("Type") else { return nil }
        let isOperators = routing.contains { object.has($0) }
        let set = { (ttl: Int64, data: RecordData) in
            RecordSet(
                name: Route53Names.read(name), type: type, ttl: UInt32(clamping: ttl), data: data)
        }
        if var alias = object.optionalObject("AliasTarget") {
            let (zone, target) = (alias.text("HostedZoneId"), alias.text("DNSName"))
            let evaluates = alias.optionalBool("EvaluateTargetHealth") ?? false
            guard let zone, let target else { return nil }
            guard let name = try? FQDN(target),
                let alias = Route53Alias(hostedZoneID: zone, name: name)
            else {
                // Such an alias is none of a location's, whatever it is.
                return ServedSet(set(0, .values([target])), isOperators: true)
            }
            return ServedSet(
                set(0, .alias(alias)), isOperators: isOperators, evaluatesHealth: evaluates)
        }
        if object.has("TrafficPolicyInstanceId"), !object.has("ResourceRecords") {
            return ServedSet(set(0, .values([])), isOperators: true)
        }
        let ttl = object.integer("TTL", in: 0...Int64(UInt32.max))
        let values = object.objects("ResourceRecords", maximum: .max).compactMap { value in
            var value = value
            return value.text("Value")
        }
        guard let ttl else { return nil }
        let read = values.map { Self.value($0, type) }.sorted()
        return ServedSet(
            set(ttl, .values(read)), isOperators: isOperators,
            written: read == values ? nil : values)
    }

    /// As `RecordSet` has it. Other types aren't compared.
    private static func value(_ text: String, _ type: String) -> String {
        switch type {
        case "AAAA": IPv6Address(text)?.description ?? text
        case "CNAME": Route53Names.read(text) + "."
        default: text
        }
    }
}

extension Route53File {
    /// - Returns: one batch a line, each what `--change-batch` takes.
    static func write(_ batches: [[Route53Change]], through revision: String) -> [[UInt8]] {
        batches.enumerated().map { number, batch in
            var writer = JSONWriter(reservingCapacity: 200 * batch.count)
            writer.beginObject()
            writer.key("Comment")
            writer.string(
                "part \(number + 1) of \(batches.count), through revision \(revision)")
            writer.key("Changes")
            writer.beginArray()
            for change in batch { write(change, to: &writer) }
            writer.endArray()
            writer.endObject()
            writer.endLine()
            return writer.finish()
        }
    }

    private static func write(_ change: Route53Change, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("Action")
        writer.string(change.action.rawValue)
        writer.key("ResourceRecordSet")
        writer.beginObject()
        writer.key("Name")
        writer.string(Route53Names.written(change.set.name))
        writer.key("Type")
        writer.string(change.set.type)
        switch change.set.data {
        case .values:
            writer.key("TTL")
            writer.integer(Int(change.set.ttl))
            writer.key("ResourceRecords")
            writer.beginArray()
            for value in change.values {
                writer.beginObject()
                writer.key("Value")
                writer.string(value)
                writer.endObject()
            }
            writer.endArray()
        case .alias(let alias):
            writer.key("AliasTarget")
            writer.beginObject()
            writer.key("HostedZoneId")
            writer.string(alias.hostedZoneID)
            writer.key("DNSName")
            writer.string(alias.name.text + ".")
            writer.key("EvaluateTargetHealth")
            writer.bool(change.evaluatesHealth)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
    }
}
