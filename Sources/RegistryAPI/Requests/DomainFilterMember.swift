import RegistryModel

/// What a filter of domains is made of: parameters of a list, members of a plan's `where`.
package enum DomainFilterMember: String, Sendable {
    case location, mode, tenant, prefix, suffix, contains
    case registeredBefore = "registered_before"

    package static let ofLists: [DomainFilterMember] = [
        .location, .mode, .tenant, .prefix, .suffix, .contains,
    ]
    package static let ofPlans: [DomainFilterMember] = [
        .suffix, .prefix, .contains, .tenant, .registeredBefore,
    ]

    /// Characters that it may have in a body.
    fileprivate var length: ClosedRange<Int> {
        switch self {
        case .location: 1...63
        case .mode, .registeredBefore: 0...64
        case .tenant: 1...200
        case .prefix: 1...253
        case .suffix: 1...255
        case .contains: FQDN.pieceBytes
        }
    }
}

/// Where a filter's members stand.
package protocol DomainFilterSource {
    /// - Returns: nil where it isn't there, or can't be a text that does.
    mutating func text(of member: DomainFilterMember) -> String?
    mutating func refuse(_ name: String, _ code: String, _ detail: String)
}

extension JSONObjectReader: DomainFilterSource {
    package mutating func text(of member: DomainFilterMember) -> String? {
        optionalString(
            member.rawValue, minimum: member.length.lowerBound, maximum: member.length.upperBound)
    }
}

extension DomainFilter {
    /// - Parameter members: those that may be there; the rest isn't looked at.
    package init(_ members: [DomainFilterMember], from source: inout some DomainFilterSource) {
        self.init()
        for member in members {
            guard let text = source.text(of: member) else { continue }
            if let problem = take(member, text) {
                source.refuse(member.rawValue, "invalid", problem)
            }
        }
    }

    /// - Returns: why the text won't do; nil: it will.
    private mutating func take(_ member: DomainFilterMember, _ text: String) -> String? {
        switch member {
        case .location:
            location = LocationName(text)
            return location == nil ? "a location's name is expected" : nil
        case .mode:
            mode = Mode(rawValue: text)
            let allowed = Mode.allCases.map(\.rawValue).joined(separator: ", ")
            return mode == nil ? "one of \(allowed) is expected" : nil
        case .tenant:
            tenant = TenantText.canonical(text)
            return nil
        // What no name can begin or end with, or contain, is refused: it would select nothing, and whoever sent it meant something.
        case .prefix, .suffix, .contains:
            do throws(FQDN.Malformed) {
                switch member {
                case .prefix: prefix = try FQDN.prefix(text)
                case .suffix: suffix = try FQDN.suffix(text)
                default: contains = try FQDN.piece(text)
                }
                return nil
            } catch {
                return error.explanation
            }
        case .registeredBefore:
            registeredBefore = Timestamp(rfc3339: text)
            return registeredBefore == nil ? "a time in RFC 3339 is expected" : nil
        }
    }
}
