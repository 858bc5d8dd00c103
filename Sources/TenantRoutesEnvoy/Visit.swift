import CEnvoyModule
import CTenantRoutes

/// One visitor's request, as Envoy shows it.
struct Visit {
    let request: UnsafeMutableRawPointer

    enum Verdict {
        /// The fields say where it goes.
        case passed
        case unknown
        case moving
        case notReady

        var refusal: Refusal? {
            switch self {
            case .passed: nil
            case .unknown: .unknown
            case .moving: .moving
            case .notReady: .notReady
            }
        }
    }

    /// Decides, and says to routes and applications where the tenant lives: the two fields are the registry's from then on,
    /// whatever a visitor had put there.
    func look(into setup: FilterSetup) -> Verdict {
        guard case .open(let routes) = setup.file else { return .notReady }
        guard let host = field(":authority"), let start = host.start else { return .unknown }
        return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
            guard let name = room.baseAddress,
                let length = HostName.read(start, host.count, into: name)
            else { return .unknown }
            // The location's name is in the file: it's copied by Envoy before the file may go.
            return routes.reading { view in
                switch view.find(name, length) {
                case .unknown: return .unknown
                case .notReady: return .notReady
                case .found(let route): return pass(route, view)
                }
            }
        }
    }

    private func pass(_ route: RoutesView.Answer, _ view: RoutesView) -> Verdict {
        let (mode, _) = route.effective(in: view)
        let word: StaticString
        switch mode {
        case Int32(TR_SERVE): word = "serve"
        case Int32(TR_READ_ONLY) where onlyReads: word = "read_only"
        default: return .moving
        }
        let location = (view.base + route.locationStart).assumingMemoryBound(to: CChar.self)
        set(
            "x-tenant-location",
            tr_envoy_text(start: location, count: route.locationCount))
        set("x-tenant-mode", text(word))
        // Envoy has chosen a route before, by what the visitor had said.
        envoy_dynamic_module_callback_http_clear_route_cache(request)
        return .passed
    }

    /// Whoever asks for an upgrade is about to write, though it be a GET. Envoy shows WebSockets of HTTP/2 like those of
    /// HTTP/1, and CONNECT is no method that reads.
    private var onlyReads: Bool {
        guard let method = field(":method") else { return false }
        let reads = method.equals("GET") || method.equals("HEAD") || method.equals("OPTIONS")
        return reads && field("upgrade") == nil
    }

    // MARK: Envoy's fields

    private func field(_ name: StaticString) -> tr_envoy_text? {
        var value = tr_envoy_text()
        let isThere = envoy_dynamic_module_callback_http_get_header(
            request, UInt32(TR_ENVOY_REQUEST_FIELDS), text(name), &value, 0, nil)
        return isThere ? value : nil
    }

    private func set(_ name: StaticString, _ value: tr_envoy_text) {
        _ = envoy_dynamic_module_callback_http_set_header(
            request, UInt32(TR_ENVOY_REQUEST_FIELDS), text(name), value)
    }

    // MARK: Answers

    /// What a visitor gets whose request goes nowhere.
    struct Refusal {
        var status: UInt32
        /// Seconds; nil: there's nothing to try again.
        var retryAfter: StaticString?
        var body: StaticString
        /// Envoy's access log has it, as %RESPONSE_CODE_DETAILS%.
        var reason: StaticString

        static var unknown: Refusal {
            Refusal(
                status: 404, retryAfter: nil, body: "There is no site at this address.\n",
                reason: "tenant_unknown")
        }

        static var moving: Refusal {
            Refusal(
                status: 503, retryAfter: "30",
                body: "This site is being moved. Please try again in a moment.\n",
                reason: "tenant_moving")
        }

        static var notReady: Refusal {
            Refusal(
                status: 503, retryAfter: "5", body: "Please try again in a moment.\n",
                reason: "tenant_routes_not_ready")
        }
    }

    func answer(_ refusal: Refusal) {
        guard let seconds = refusal.retryAfter else {
            envoy_dynamic_module_callback_http_send_response(
                request, refusal.status, nil, 0, text(refusal.body), text(refusal.reason))
            return
        }
        var field = tr_envoy_field(name: text("retry-after"), value: text(seconds))
        envoy_dynamic_module_callback_http_send_response(
            request, refusal.status, &field, 1, text(refusal.body), text(refusal.reason))
    }
}

/// A literal as C has it: there for good, with NUL behind it.
func text(_ literal: StaticString) -> tr_envoy_text {
    tr_envoy_text(
        start: UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self),
        count: literal.utf8CodeUnitCount)
}

extension tr_envoy_text {
    fileprivate func equals(_ literal: StaticString) -> Bool {
        guard let start, count == literal.utf8CodeUnitCount else { return false }
        return memcmp(start, literal.utf8Start, count) == 0
    }
}
