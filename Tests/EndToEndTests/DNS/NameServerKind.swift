import Foundation

/// Which authoritative server a test runs, as Debian has it.
enum NameServerKind: String, CaseIterable, Sendable {
    case bind, knot, nsd, powerdns

    /// Those that take dynamic updates.
    static let updatable: [NameServerKind] = [.bind, .knot]

    /// What `env` starts: the server stays in the foreground, and is stopped by its pid.
    func command(_ folder: TestFolder) -> [String] {
        let configuration = folder.file(configurationName).path
        return switch self {
        case .bind: ["named", "-g", "-4", "-c", configuration]
        case .knot: ["knotd", "-c", configuration]
        case .nsd: ["nsd", "-d", "-c", configuration]
        case .powerdns: ["pdns_server", "--config-dir=\(folder.url.path)"]
        }
    }

    var configurationName: String { self == .powerdns ? "pdns.conf" : "server.conf" }

    /// Everybody who can reach the address may transfer and update the zone: it's loopback.
    ///
    /// - Parameter takesUpdates: BIND doesn't read a zone's file again where it does.
    func configuration(
        of zone: String, _ folder: TestFolder, port: Int, takesUpdates: Bool
    ) -> String {
        let path = folder.url.path
        return switch self {
        case .bind:
            """
            options {
              directory "\(path)"; pid-file "\(path)/pid"; session-keyfile "\(path)/session.key";
              listen-on port \(port) { 127.0.0.1; }; recursion no; notify no;
              allow-transfer { 127.0.0.1; };
            };
            controls { };
            zone "\(zone)" { type primary; file "zone";\(takesUpdates ? " allow-update { 127.0.0.1; };" : "") };
            """
        case .knot:
            """
            server:
              rundir: "\(path)"
              listen: 127.0.0.1@\(port)
            database:
              storage: "\(path)"
            log:
              - target: stderr
                any: info
            acl:
              - id: local
                address: 127.0.0.1
                action: [transfer, update]
            zone:
              - domain: "\(zone)"
                storage: "\(path)"
                file: zone
                zonefile-sync: -1
                acl: local
            """
        case .nsd:
            // A check asks more in a second than its limit of answers to one client lets through.
            """
            server:
              server-count: 1
              ip-address: 127.0.0.1@\(port)
              username: ""
              zonesdir: "\(path)"
              pidfile: "\(path)/pid"
              xfrdfile: "\(path)/xfrd.state"
              zonelistfile: "\(path)/zone.list"
              xfrdir: "\(path)"
              rrl-ratelimit: 0
            remote-control:
              control-enable: no
            zone:
              name: "\(zone)"
              zonefile: zone
              provide-xfr: 127.0.0.1 NOKEY
            """
        case .powerdns:
            """
            launch=bind
            bind-config=\(path)/zones.conf
            local-address=127.0.0.1
            local-port=\(port)
            socket-dir=\(path)
            daemon=no
            guardian=no
            allow-axfr-ips=127.0.0.1
            """
        }
    }
}
