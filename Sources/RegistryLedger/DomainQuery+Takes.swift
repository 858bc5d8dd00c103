import RegistryModel

extension DomainQuery {
    /// Whether the filters that aren't a range of names take a domain.
    package func takes(_ domain: Domain) -> Bool {
        if let location, domain.location != location { return false }
        if let mode, domain.mode != mode { return false }
        if let tenant, domain.tenant != tenant { return false }
        if let suffix { return ".\(domain.fqdn)".hasSuffix(".\(suffix)") }
        return true
    }
}
