import RegistryModel

/// One form of three; which members are there tells.
extension DNSTargets: Shape {
    package static let fields: [ShapeField<DNSTargets>] = [
        ShapeField("a", isRequired: false, texts: { $0.addresses?.ipv4 }),
        ShapeField("aaaa", isRequired: false, texts: { $0.addresses?.ipv6 }),
        .optional("cname") { targets in
            guard case .cname(let name) = targets else { return .absent }
            return .text(name.text)
        },
        ShapeField("alias", isRequired: false) { targets -> Route53Alias? in
            guard case .alias(let alias) = targets else { return nil }
            return alias
        },
    ]

    /// Of an address's family: nil where there is none.
    private var addresses: (ipv4: [String]?, ipv6: [String]?)? {
        guard case .addresses(let ipv4, let ipv6) = self else { return nil }
        return (
            ipv4.isEmpty ? nil : ipv4.map(\.description),
            ipv6.isEmpty ? nil : ipv6.map(\.description)
        )
    }

    /// What a cell shows, as the command line takes it: addresses with spaces between them, a name, or an alias's zone and
    /// name with a slash between them.
    package var text: String {
        switch self {
        case .addresses(let ipv4, let ipv6):
            (ipv4.map(\.description) + ipv6.map(\.description)).joined(separator: " ")
        case .cname(let name): name.text
        case .alias(let alias): "\(alias.hostedZoneID)/\(alias.name.text)"
        }
    }

    package init?(reading object: inout JSONObjectReader) {
        guard let targets = object.dnsTargets(isRequest: false) else { return nil }
        self = targets
    }
}

extension Route53Alias: Shape {
    package static let fields: [ShapeField<Route53Alias>] = [
        ShapeField("hosted_zone_id") { .text($0.hostedZoneID) },
        ShapeField("name") { .text($0.name.text) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (zone, name) = (object.text("hosted_zone_id"), object.dnsName("name"))
        guard let zone else { return nil }
        // The zone's own rule, told whatever the name is.
        guard let alias = Route53Alias(hostedZoneID: zone, name: name ?? FQDN(canonical: "")) else {
            object.refuse("hosted_zone_id", "invalid", "1 to 32 capitals and digits are expected")
            return nil
        }
        guard name != nil else { return nil }
        self = alias
    }
}

extension ShapeField where Value == Location {
    /// What the DNS leads to.
    static let dns = ShapeField(
        "dns", false, cell: { Cell($0.settings.dns?.text) }, shape: DNSTargets.self
    ) { location, writer in
        guard let dns = location.settings.dns else { return }
        writer.key(named: "dns")
        dns.write(to: &writer)
    }
}

/// What a request says of a location's DNS; where it says nothing, that stays as it is.
package enum DNSChange: Hashable, Sendable {
    case set(DNSTargets)
    /// Null in JSON.
    case clear
}

extension JSONObjectReader {
    /// - Returns: nil for nothing at all, and for what has its complaint.
    mutating func dnsChange() -> DNSChange? {
        if isNull("dns") { return .clear }
        guard var object = optionalObject("dns"), object.isObject else { return nil }
        return object.dnsTargets(isRequest: true).map { .set($0) }
    }

    /// - Parameter isRequest: whether what isn't known here is complained about. Of a registry's answer it's passed over:
    ///   a newer one may know a form that this version doesn't.
    mutating func dnsTargets(isRequest: Bool) -> DNSTargets? {
        let forms = [["a", "aaaa"], ["cname"], ["alias"]].map { names in
            names.filter { has($0) }
        }.filter { !$0.isEmpty }
        let count = problems.count
        let targets: DNSTargets? =
            switch forms.first?.first {
            case "a", "aaaa": addresses()
            case "cname": dnsName("cname").map { .cname($0) }
            case "alias": alias(isRequest: isRequest).map { .alias($0) }
            default: nil
            }
        if isRequest {
            for name in forms.dropFirst().joined() {
                refuse(name, "not-allowed", "there is another form of an answer beside it")
            }
            if forms.isEmpty { refuse("a", "required", "a or aaaa, cname or alias is expected") }
            finish()
        }
        return problems.count == count ? targets : nil
    }

    private mutating func addresses() -> DNSTargets? {
        let count = problems.count
        let ipv4: [IPv4Address] = addresses("a", "an IPv4 address, four decimal numbers,") {
            IPv4Address($0)
        }
        let ipv6: [IPv6Address] = addresses("aaaa", "an IPv6 address without a zone") {
            IPv6Address($0)
        }
        let targets = DNSTargets.addresses(sorting: ipv4, ipv6)
        if targets == nil, problems.count == count {
            refuse(has("a") ? "a" : "aaaa", "too-short", "at least 1 address is expected")
        }
        return targets
    }

    /// None where the member isn't there. Each element that won't do has its complaint.
    private mutating func addresses<Address>(
        _ name: String, _ expected: String, _ read: (String) -> Address?
    ) -> [Address] {
        guard has(name) else { return [] }
        let elements = array(name, maximum: DNSTargets.maximumAddresses)
        return elements.enumerated().compactMap { index, element in
            guard case .string(let text) = element else {
                refuse(
                    name, at: index, "wrong-type", "a string is expected, not \(element.kind)")
                return nil
            }
            if let address = read(text) { return address }
            refuse(name, at: index, "invalid", "\(expected) is expected")
            return nil
        }
    }

    private mutating func alias(isRequest: Bool) -> Route53Alias? {
        guard var object = optionalObject("alias") else { return nil }
        let alias = Route53Alias(reading: &object)
        if isRequest { object.finish() }
        return alias
    }

    /// A host that the DNS may lead to, brought to canonical form.
    fileprivate mutating func dnsName(_ name: String) -> FQDN? {
        guard let text = text(name) else { return nil }
        do throws(FQDN.Malformed) {
            return try FQDN(text)
        } catch {
            refuse(name, "invalid", error.explanation)
            return nil
        }
    }
}
