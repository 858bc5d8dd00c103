import Crypto
import NIOPosix
import RegistryDNS
import RegistryModel
import RegistryService
import RoutingTable

/// What a picture of a zone is made with.
struct ZoneRequest: Sendable {
    var zone: FQDN
    var defaultLocation: LocationName
    /// In seconds.
    var ttl: UInt32
    var base: BaseZone

    static let defaultTTL: UInt32 = 60
    static let ttls: ClosedRange<UInt32> = 0...604_800
}

/// Makes pictures of this node's table, one after the other: each takes memory for what isn't the wildcard's, and looks at
/// every name.
struct ZoneMaker: Sendable {
    let service: RegistryService

    struct Made: Sendable {
        var rules: ZoneRules
        var picture: ZonePicture
        var position: Position
    }

    func rules(_ request: ZoneRequest, maximumBytes: Int) throws -> ZoneRules {
        try ZoneRules(
            zone: request.zone, defaultLocation: request.defaultLocation, ttl: request.ttl,
            targets: service.state.zones.targets, base: request.base, maximumBytes: maximumBytes)
    }

    /// Does what takes long: not on a thread that others' requests need.
    ///
    /// - Throws: a `ZoneError` as the `Problem` that it is.
    static func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive {
            do {
                return try body()
            } catch let error as ZoneError {
                throw Problem(error)
            } catch let malformed as BaseZone.Malformed {
                throw Problem(malformed)
            }
        }
    }

    /// - Throws: `Problem` where there can't be a picture, `notReady` while there is no table.
    func make(_ request: ZoneRequest, maximumBytes: Int) async throws -> Made {
        let table = service.state.table
        return try await Self.aside {
            let packed = try table.packed()
            let rules = try rules(request, maximumBytes: maximumBytes)
            let picture = try ZonePicture(rules) { show in
                packed.forEach { row in
                    show(
                        Substring(decoding: row.name, as: UTF8.self),
                        packed.place(of: row).name)
                }
            }
            return Made(rules: rules, picture: picture, position: packed.position)
        }
    }

    /// What the picture has wherever it may have become another one since a position, at that of the feed or a later one.
    ///
    /// - Throws: `resync` where that can't be told.
    func makePart(_ request: ZoneRequest, since position: Position) async throws -> MadePart {
        let changes: ZoneChanges
        do throws(RegistryError) {
            changes = try service.zoneChanges(after: position)
        } catch .resync(let why) {
            throw Problem(.gone, "resync", "\(why); ask for the whole zone")
        }
        let table = service.state.table
        return try await Self.aside {
            let rules = try rules(request, maximumBytes: BaseZone.maximumNameBytes)
            let part = ZonePart(zone: request.zone, changed: changes.names)
            var names: [(name: String, location: LocationName)] = []
            if !part.nodes.isEmpty {
                try table.forEachEntry({ _, _ in }) { name, entry in
                    guard part.mayNeed(name) else { return }
                    names.append(
                        (String(decoding: name, as: UTF8.self), entry.domain.location))
                }
            }
            return MadePart(
                picture: try ZonePartPicture(rules, part, names: names),
                position: changes.through)
        }
    }

    struct MadePart: Sendable {
        var picture: ZonePartPicture
        var position: Position
    }

    /// The serial of a zone's content, which another node may have given already.
    ///
    /// - Throws: `behind` where another node has shown a later revision of the zone: this one catches up first.
    func serial(of text: ZoneText, _ made: Made) async throws -> UInt32 {
        let digest = try await Self.aside { Array(SHA256.hash(data: text.content)) }
        let serial = try await service.zoneSerial(
            of: made.rules.zone, digest: digest, at: made.position.revision,
            above: made.rules.base.authority?.serial ?? 0)
        guard let serial else {
            throw Problem(
                .serviceUnavailable, "not-ready",
                "another node has published a later state of the zone: this one is catching up"
            ).with(.retryAfter, "1")
        }
        return serial.serial
    }
}

extension Problem {
    init(_ error: ZoneError) {
        let code =
            switch error {
            case .targetMissing: "dns-target-missing"
            default: "zone-conflict"
            }
        self.init(.conflict, code, error.description)
    }

    init(_ malformed: BaseZone.Malformed) {
        let place = malformed.line > 0 ? "line \(malformed.line): " : ""
        self.init(.badRequest, "invalid-zone", place + malformed.explanation)
    }
}
