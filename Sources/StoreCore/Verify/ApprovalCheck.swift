import RegistryModel

/// Compares the table of approvals with the log: an approval that nobody has given would let a wave move.
struct ApprovalCheck<Session: SQLSession> {
    let session: Session

    /// Flaws of each kind, at most.
    private static var shown: Int { 100 }

    func flaws() throws -> [Verification.Flaw] { try unfounded() + missing() }

    /// Rows that the log doesn't have, or has otherwise.
    private func unfounded() throws -> [Verification.Flaw] {
        let isLogged = """
            c.action IS NOT DISTINCT FROM 'wave_approved' AND c.subject IS NOT DISTINCT FROM g.id
                AND r.wave IS NOT DISTINCT FROM approval.wave
            """
        return try session.rows(
            """
            SELECT coalesce(g.id, '?'), approval.wave, approval.revision, \(isLogged)
            FROM wave_approval approval
            LEFT JOIN migration g ON g.number = approval.migration
            LEFT JOIN revision_log r ON r.revision = approval.revision
            LEFT JOIN change_log c ON c.revision = approval.revision AND c.position = 0
            WHERE NOT (\(isLogged) AND r.actor_token = approval.token
                AND r.actor_name = approval.name AND r.actor_role = approval.role
                AND r.at = approval.at)
            ORDER BY approval.migration, approval.wave LIMIT $1
            """, [.number(Self.shown)]
        ) { row in
            let wave = "wave \(try row.integer(1)) of the migration \(try row.text(0))"
            return .init(
                try row.revision(2),
                try row.flag(3)
                    ? "the approval of \(wave) isn't what the log says"
                    : "\(wave) is approved in the table wave_approval, and by the log it shouldn't be"
            )
        }
    }

    /// Lines of the log without their row. The facets, by which they're found, have been held against the log before; a
    /// walk along the log would take as long as that is.
    private func missing() throws -> [Verification.Flaw] {
        try session.rows(
            """
            SELECT c.subject, coalesce(r.wave, 0), c.revision
            FROM revision_facet f CROSS JOIN change_log c CROSS JOIN revision_log r
            WHERE f.facet = 'action:wave_approved' AND c.revision = f.revision AND c.position = 0
                AND r.revision = f.revision AND NOT EXISTS (
                    SELECT 1 FROM migration g JOIN wave_approval a ON a.migration = g.number
                    WHERE g.id = c.subject AND a.wave = r.wave AND a.revision = c.revision)
            ORDER BY f.revision LIMIT $1
            """, [.number(Self.shown)]
        ) { row in
            .init(
                try row.revision(2),
                "the approval of wave \(try row.integer(1)) of the migration \(try row.text(0)) is in the log and not in its table"
            )
        }
    }
}
