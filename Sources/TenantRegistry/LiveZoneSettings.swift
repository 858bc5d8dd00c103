import Foundation
import RegistryDNS
import RegistryHTTP
import RegistryModel

/// `--dns-zone` and `--dns-base`, read and checked.
enum LiveZoneSettings {
    static func read(
        zones: [String], bases: [String], ttl: Int
    ) throws -> [LiveZoneOptions] {
        var read: [LiveZoneOptions] = []
        for text in zones {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let zone = try? FQDN(parts[0]),
                let location = LocationName(parts[1])
            else {
                throw CommandFailure.usage("--dns-zone: ZONE=LOCATION is expected, not \(text)")
            }
            guard !read.contains(where: { $0.zone == zone }) else {
                throw CommandFailure.usage("--dns-zone: \(zone.text) comes twice")
            }
            read.append(
                LiveZoneOptions(zone: zone, defaultLocation: location, ttl: UInt32(ttl)))
        }
        var based: Set<FQDN> = []
        for text in bases {
            let (index, path) = try place(of: text, in: read)
            let zone = read[index].zone
            guard based.insert(zone).inserted else {
                throw CommandFailure.usage("--dns-base: \(zone.text) has two files")
            }
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure.usage("--dns-base: \(path) can't be read")
            }
            do throws(BaseZone.Malformed) {
                read[index].base = try BaseZone(masterFile: Array(data), zone: zone)
            } catch {
                let line = error.line > 0 ? ":\(error.line)" : ""
                throw CommandFailure.usage("--dns-base: \(path)\(line): \(error.explanation)")
            }
        }
        return read
    }

    /// A path may have an equals sign too.
    private static func place(
        of text: String, in zones: [LiveZoneOptions]
    ) throws -> (index: Int, path: String) {
        if let equals = text.firstIndex(of: "="), let zone = try? FQDN(text[..<equals]),
            let index = zones.firstIndex(where: { $0.zone == zone })
        {
            return (index, String(text[text.index(after: equals)...]))
        }
        guard zones.count == 1 else {
            throw CommandFailure.usage(
                "--dns-base: \(text): which --dns-zone is it of? ZONE=FILE is expected")
        }
        return (0, text)
    }
}
