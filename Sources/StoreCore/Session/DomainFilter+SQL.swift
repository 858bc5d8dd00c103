import RegistryModel

extension SQLFilter {
    /// What `DomainFilter.takes` says, of the table `domain`, but for the beginning of a name: that is a range, along
    /// which a list walks.
    mutating func add(_ filter: DomainFilter) {
        add("location = ?", filter.location?.text)
        add("mode = ?", filter.mode?.rawValue)
        add("tenant = ?", filter.tenant)
        add("registered_at < ?", filter.registeredBefore?.milliseconds)
        add(suffix: filter.suffix)
        add(piece: filter.contains)
    }
}
