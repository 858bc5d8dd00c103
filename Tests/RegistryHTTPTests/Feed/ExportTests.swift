import Foundation
import RegistryHTTP
import RegistryModel
import RegistryService
import Testing

@Suite("Exports", .timeLimit(.minutes(15))) struct ExportTests {
    private static func registerSome(_ registry: RunningRegistry) async throws {
        for name in ["b.example.com", "a.example.com", "c.example.com", "xn--zckzah.example.com"] {
            try await registry.register(name, tenant: "acme, inc")
        }
        for change in [
            ("a.example.com", #"{"location":"aws","allow_split":true}"#),
            ("b.example.com", #"{"mode":"read_only"}"#),
            ("c.example.com", #"{"mode":"reject"}"#),
        ] {
            try await registry.send(.PATCH, "/v1/domains/\(change.0)", json: change.1)
        }
    }

    /// As an earlier release took it, which took more than is taken now.
    private static func setUpstream(
        _ registry: RunningRegistry, _ name: String, _ upstream: String
    ) async throws {
        _ = try await registry.service.putLocation(
            LocationName(canonical: name),
            LocationSettings(
                upstream: try #require(UpstreamURL(upstream)), acceptsSignups: true,
                isDefaultForSignups: name == "japan"),
            WriteContext(
                actor: Actor(token: "t-1", name: "tester", role: .admin), requestID: "r"))
    }

    @Test func `have a line for each domain, by name`() async throws {
        try await withRegistry { registry in
            try await Self.registerSome(registry)
            let map = try await registry.get("/v1/export/nginx-map", as: .role(.reader))
            #expect(
                map.text
                    == "a.example.com aws;\nb.example.com japan;\nc.example.com japan;\n"
                    + "xn--zckzah.example.com japan;\n")
            let modes = try await registry.get("/v1/export/haproxy-map?value=mode")
            #expect(
                modes.text
                    == "a.example.com serve\nb.example.com read_only\nc.example.com reject\n"
                    + "xn--zckzah.example.com serve\n")
            let placements = try await registry.get("/v1/export/nginx-map?value=placement")
            #expect(
                placements.text
                    == "a.example.com aws:serve;\nb.example.com japan:read_only;\n"
                    + "c.example.com japan:reject;\nxn--zckzah.example.com japan:serve;\n")
            let upstreams = try await registry.get("/v1/export/haproxy-map?value=upstream")
            #expect(upstreams.text.hasPrefix("a.example.com http://aws.invalid\n"))
            let csv = try await registry.get("/v1/export/csv")
            let lines = csv.text.split(separator: "\r\n")
            #expect(
                lines.first == "fqdn,location,tenant,mode,revision,registered_at,changed_at,fence")
            #expect(lines[1].hasPrefix(#"a.example.com,aws,"acme, inc",serve,"#))
            #expect(lines.count == 5)
        }
    }

    @Test func `are Traefik's own configuration, with modes as rules`() async throws {
        try await withRegistry { registry in
            let empty = try await registry.get("/v1/export/traefik")
            #expect(empty["http", "routers"] == nil && empty["http", "services", "aws"] != nil)
            // Traefik takes what is empty throughout for no answer, and keeps the routers that it had.
            #expect(empty["http", "services", "-held"] != nil)
            try await Self.registerSome(registry)
            let answer = try await registry.get("/v1/export/traefik")
            let routers = try #require(answer["http", "routers"])
            #expect(
                routers.keys == [
                    "a.example.com", "b.example.com", "-b.example.com", "c.example.com",
                    "xn--zckzah.example.com",
                ])
            #expect(routers["a.example.com"]?["rule"]?.text == "Host(`a.example.com`)")
            #expect(routers["a.example.com"]?["service"]?.text == "aws")
            let told = { (name: String) in
                answer["http", "middlewares"]?[
                    routers[name]?["middlewares"]?.array.first?.text ?? ""]?[
                        "headers"]?["customRequestHeaders"]
            }
            for (name, location, mode) in [
                ("a.example.com", "aws", "serve"), ("b.example.com", "japan", "read_only"),
                ("xn--zckzah.example.com", "japan", "serve"),
            ] {
                #expect(told(name)?["X-Tenant-Location"]?.text == location)
                #expect(told(name)?["X-Tenant-Mode"]?.text == mode)
                // Traefik removes a visitor's field by setting it to nothing.
                #expect(told(name)?["X-Tenant-Upstream"]?.text == "")
            }
            #expect(
                routers["b.example.com"]?["rule"]?.text
                    == "Host(`b.example.com`) && (Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`)) && !HeaderRegexp(`Upgrade`, `.`)"
            )
            for name in ["-b.example.com", "c.example.com"] {
                let host = name.drop { $0 == "-" }
                #expect(routers[name]?["rule"]?.text == "Host(`\(host)`)")
                #expect(routers[name]?["service"]?.text == "-held")
                #expect(routers[name]?["middlewares"]?.array.first?.text == "-held")
            }
            let services = try #require(answer["http", "services"])
            #expect(services.keys == ["-held", "aws", "japan"])
            #expect(services["-held"]?["loadBalancer"]?["servers"]?.array.isEmpty == true)
            let servers = services["aws"]?["loadBalancer"]?["servers"]?.array
            #expect(servers?.first?["url"]?.text == "http://aws.invalid")
        }
    }

    @Test func `keep their tag where nothing in them can have changed`() async throws {
        try await withRegistry { registry in
            try await Self.registerSome(registry)
            for target in [
                "nginx-map", "nginx-map?value=mode", "nginx-map?value=upstream", "haproxy-map",
                "csv", "traefik",
            ] {
                let target = "/v1/export/\(target)"
                let first = try await registry.get(target)
                let tag = try #require(first.header("ETag"))
                try await registry.post("/v1/tokens", #"{"name":"x","role":"reader"}"#)
                let same = try await registry.get(target, headers: [("If-None-Match", tag)])
                #expect(same.status == 304, "\(target)")
                #expect(try await registry.get(target).bytes == first.bytes)
                try await registry.register("z\(abs(target.hashValue)).example.com")
                let other = try await registry.get(target, headers: [("If-None-Match", tag)])
                #expect(other.status == 200, "\(target)")
            }
            let tags = try await ["nginx-map", "nginx-map?value=mode", "haproxy-map"].asyncMap {
                try await registry.get("/v1/export/\($0)").header("ETag")
            }
            #expect(Set(tags).count == 3)
        }
    }

    @Test(arguments: [
        ("yaml", 404, "unknown-format"), ("csv?value=mode", 400, "invalid-request"),
        ("traefik?value=mode", 400, "invalid-request"),
        ("nginx-map?value=tenant", 400, "invalid-request"),
        ("nginx-map?x=1", 400, "invalid-request"),
    ])
    func `refuse what can't be`(target: String, status: Int, code: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/export/\(target)")
            #expect(answer.isProblem(status, code))
        }
    }

    /// The most hostile upstreams that a location can have.
    static let upstreams = [
        #"http://a/";}include/etc/passwd;#"#, #"http://a/\"#, #"http://a/\\";"#,
        "http://a/$host${request_uri}$$", #"http://a/{};'`|&<>#"#,
    ]

    @Test(.whateverTheStore, arguments: upstreams, ["location", "mode", "upstream"])
    func `are read by nginx and HAProxy, whatever an upstream holds`(
        upstream: String, value: String
    ) async throws {
        try await withRegistry { registry in
            try await Self.registerSome(registry)
            try await Self.setUpstream(registry, "aws", upstream)
            let folder = try Tool.Folder()
            for format in ["nginx-map", "haproxy-map"] {
                let map = try await registry.get("/v1/export/\(format)?value=\(value)")
                try Data(map.bytes).write(to: folder.file(format))
                #expect(map.text.split(separator: "\n").count == 4)
            }
            let nginx = """
                error_log stderr; pid \(folder.file("pid").path); events {}
                http {
                    access_log off; map_hash_bucket_size 288;
                    map $host $tenant { default none; include \(folder.file("nginx-map").path); }
                    server { listen unix:\(folder.file("s").path); return 200 $tenant; }
                }
                """
            try Data(nginx.utf8).write(to: folder.file("nginx.conf"))
            let checked = try Tool(
                "nginx", ["-t", "-p", folder.url.path, "-c", folder.file("nginx.conf").path])
            #expect(checked.status == 0, "\(checked.text)")
            let haproxy = """
                defaults
                    mode http
                    timeout client 1s
                    timeout server 1s
                    timeout connect 1s
                frontend f
                    bind unix@\(folder.file("h").path)
                    http-request return status 200 content-type text/plain lf-string \
                %[req.hdr(host),map(\(folder.file("haproxy-map").path),none)]

                """
            try Data(haproxy.utf8).write(to: folder.file("haproxy.cfg"))
            let read = try Tool("haproxy", ["-c", "-f", folder.file("haproxy.cfg").path])
            #expect(read.status == 0, "\(read.text)")
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows
        -> [Value]
    {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
