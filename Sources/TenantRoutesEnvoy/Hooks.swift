import CEnvoyModule

// The functions that Envoy calls. Each filter of its configuration has a setup; its requests have nothing of their own, so
// Envoy gets the setup in the place of what a filter could keep for one request.

/// - Returns: the version of the ABI that this was written for; Envoy warns where its own is another one.
@c(envoy_dynamic_module_on_program_init)
public func programInit() -> UnsafePointer<CChar>? {
    text("v0.2.0").start
}

/// - Parameter configuration: `filter_config`, the path of the file that an agent shares.
/// - Returns: nil where it's no absolute path; Envoy refuses the configuration then.
@c(envoy_dynamic_module_on_http_filter_config_new)
public func configNew(
    _ filter: UnsafeMutableRawPointer?, _ name: tr_envoy_text, _ configuration: tr_envoy_text
) -> UnsafeRawPointer? {
    guard let setup = FilterSetup.make(path: configuration) else {
        log(TR_ENVOY_LOG_ERROR, "tenant routes: filter_config has to be an absolute path")
        return nil
    }
    switch setup.file {
    case .open: break
    case .absent:
        log(TR_ENVOY_LOG_WARNING, "tenant routes: no agent shares a file yet, requests get 503")
    case .foreign:
        log(TR_ENVOY_LOG_ERROR, "tenant routes: it's no file that this module reads")
    }
    return UnsafeRawPointer(setup.memory)
}

@c(envoy_dynamic_module_on_http_filter_config_destroy)
public func configDestroy(_ setup: UnsafeRawPointer?) {
    guard let setup else { return }
    FilterSetup(UnsafeMutableRawPointer(mutating: setup)).end()
}

@c(envoy_dynamic_module_on_http_filter_new)
public func filterNew(
    _ setup: UnsafeRawPointer?, _ request: UnsafeMutableRawPointer?
) -> UnsafeRawPointer? {
    setup
}

@c(envoy_dynamic_module_on_http_filter_request_headers)
public func requestHeaders(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ isLast: Bool
) -> UInt32 {
    guard let request, let setup else { return UInt32(TR_ENVOY_STOP) }
    let visit = Visit(request: request)
    let verdict = visit.look(into: FilterSetup(UnsafeMutableRawPointer(mutating: setup)))
    guard let refusal = verdict.refusal else { return UInt32(TR_ENVOY_CONTINUE) }
    visit.answer(refusal)
    return UInt32(TR_ENVOY_STOP)
}

/// Nothing was kept for a request.
@c(envoy_dynamic_module_on_http_filter_destroy)
public func filterDestroy(_ setup: UnsafeRawPointer?) {}

private func log(_ level: Int, _ message: StaticString) {
    envoy_dynamic_module_callback_log(UInt32(level), text(message))
}
