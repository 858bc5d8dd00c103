import RegistryModel

extension Head {
    /// - Throws: `unknownRevision` for one beyond the head.
    package func check(_ asked: Revision) throws(RegistryError) {
        guard asked <= revision else { throw .unknownRevision(asked, head: revision) }
    }
}
