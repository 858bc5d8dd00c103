import RegistryDNS
import RegistryModel
import RegistryService
import RoutingTable

/// A zone that the registry answers for itself, name by name, from its table: what `serve --dns-zone` is given.
public struct LiveZoneOptions: Sendable {
    public var zone: FQDN
    public var defaultLocation: LocationName
    /// In seconds.
    public var ttl: UInt32
    /// The operator's records.
    public var base: BaseZone

    public init(
        zone: FQDN, defaultLocation: LocationName, ttl: UInt32 = 60, base: BaseZone = .empty
    ) {
        self.zone = zone
        self.defaultLocation = defaultLocation
        self.ttl = ttl
        self.base = base
    }
}

/// Answers for one zone. Each name's records are those of the zone's picture, at whatever revision the table has.
struct LiveZone: Sendable {
    let number: Int
    let request: ZoneRequest
    let service: RegistryService
    private let serials: ZoneSerialKeeper

    init(_ options: LiveZoneOptions, number: Int, service: RegistryService) {
        self.number = number
        self.service = service
        request = ZoneRequest(
            zone: options.zone, defaultLocation: options.defaultLocation, ttl: options.ttl,
            base: options.base)
        serials = ZoneSerialKeeper(request, ZoneMaker(service: service))
    }

    var name: String { request.zone.text }

    func holds(_ name: String) -> Bool { name == self.name || name.hasSuffix("." + self.name) }

    /// - Returns: nil where the zone has no such name, so that a wildcard may answer; none where it has, without records.
    /// - Throws: `notReady` while there's no table, `Problem` where nobody has said how a location is reached.
    func records(of name: String) throws -> [RecordSet]? {
        do {
            let rules = try rules()
            let sets = try rules.records(of: name, standing)
            if !sets.isEmpty { return sets }
            return try rules.isEmptyName(name, standing(name)) || name == self.name ? [] : nil
        } catch let error as ZoneError {
            throw Problem(error)
        }
    }

    private func rules() throws -> ZoneRules {
        try ZoneMaker(service: service).rules(request, maximumBytes: BaseZone.maximumNameBytes)
    }

    private func standing(_ name: String) throws(RegistryError) -> ZoneRules.Standing {
        let domain = try service.state.table.find(FQDN(canonical: name)).value
        return .init(
            location: domain?.location,
            hasNamesBelow: service.state.zones.hasNames(below: name))
    }

    func authority() async throws -> RecordSet {
        ZoneText.soa(try rules(), serial: try await serials.serial())
    }

    /// Every record, as a transfer has them.
    func all() async throws -> [RecordSet] {
        let made = try await ZoneMaker(service: service).make(
            request, maximumBytes: BaseZone.maximumNameBytes)
        return [try await authority()] + made.picture.sets
    }
}

/// The serial of a zone that is answered live. Nobody is made to wait for a picture of a table that changes all the time:
/// what is answered may be a moment old, for PowerDNS asks again.
private actor ZoneSerialKeeper {
    private let request: ZoneRequest
    private let maker: ZoneMaker
    private var serial: UInt32?
    private var position: Position?
    private var targets: [LocationName: DNSTargets] = [:]
    /// Why there's none yet.
    private var failure: (any Error)?
    private var next = ContinuousClock.now
    /// What everybody waits for who has none.
    private var making: Task<UInt32, any Error>?

    /// A picture is made in this part of the time at most.
    private static let share = 20
    private static let shortest = Duration.seconds(1)

    init(_ request: ZoneRequest, _ maker: ZoneMaker) {
        self.request = request
        self.maker = maker
    }

    func serial() async throws -> UInt32 {
        let isDue = ContinuousClock.now >= next
        guard let serial else {
            if let failure, !isDue { throw failure }
            return try await made().value
        }
        let state = maker.service.state
        let isOld = state.table.position != position || state.zones.targets != targets
        // Whoever asks has the one before, and PowerDNS asks again.
        if isOld, isDue { _ = made() }
        return serial
    }

    /// One picture at a time, for all who ask meanwhile.
    private func made() -> Task<UInt32, any Error> {
        if let making { return making }
        let started = ContinuousClock.now
        let task = Task {
            defer {
                // What fails costs as much.
                next = .now + max(started.duration(to: .now) * Self.share, Self.shortest)
                making = nil
            }
            do {
                failure = nil
                return try await make()
            } catch {
                failure = error
                throw error
            }
        }
        making = task
        return task
    }

    private func make() async throws -> UInt32 {
        let targets = maker.service.state.zones.targets
        let made = try await maker.make(request, maximumBytes: BaseZone.maximumNameBytes)
        let text = try await ZoneMaker.aside { try ZoneText(made.rules, made.picture) }
        let serial = try await maker.serial(of: text, made)
        (self.serial, position, self.targets) = (serial, made.position, targets)
        return serial
    }
}
