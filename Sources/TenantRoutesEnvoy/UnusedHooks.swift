import CEnvoyModule

// Envoy refuses a module that lacks one of these functions. What comes after a request's fields goes through as it is, and this
// filter makes no requests and schedules nothing, so that the last seven are never called.

@c(envoy_dynamic_module_on_http_filter_request_body)
public func requestBody(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ isLast: Bool
) -> UInt32 {
    UInt32(TR_ENVOY_CONTINUE)
}

@c(envoy_dynamic_module_on_http_filter_request_trailers)
public func requestTrailers(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?
) -> UInt32 {
    UInt32(TR_ENVOY_CONTINUE)
}

@c(envoy_dynamic_module_on_http_filter_response_headers)
public func responseHeaders(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ isLast: Bool
) -> UInt32 {
    UInt32(TR_ENVOY_CONTINUE)
}

@c(envoy_dynamic_module_on_http_filter_response_body)
public func responseBody(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ isLast: Bool
) -> UInt32 {
    UInt32(TR_ENVOY_CONTINUE)
}

@c(envoy_dynamic_module_on_http_filter_response_trailers)
public func responseTrailers(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?
) -> UInt32 {
    UInt32(TR_ENVOY_CONTINUE)
}

@c(envoy_dynamic_module_on_http_filter_stream_complete)
public func streamComplete(_ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?) {}

@c(envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark)
public func aboveHighWatermark(_ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?) {}

@c(envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark)
public func belowLowWatermark(_ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?) {}

@c(envoy_dynamic_module_on_http_filter_http_callout_done)
public func calloutDone(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64,
    _ result: UInt32, _ fields: UnsafePointer<tr_envoy_field>?, _ fieldCount: Int,
    _ body: UnsafePointer<tr_envoy_text>?, _ bodyCount: Int
) {}

@c(envoy_dynamic_module_on_http_filter_http_stream_headers)
public func calloutHeaders(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64,
    _ fields: UnsafePointer<tr_envoy_field>?, _ fieldCount: Int, _ isLast: Bool
) {}

@c(envoy_dynamic_module_on_http_filter_http_stream_data)
public func calloutBody(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64,
    _ body: UnsafePointer<tr_envoy_text>?, _ bodyCount: Int, _ isLast: Bool
) {}

@c(envoy_dynamic_module_on_http_filter_http_stream_trailers)
public func calloutTrailers(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64,
    _ fields: UnsafePointer<tr_envoy_field>?, _ fieldCount: Int
) {}

@c(envoy_dynamic_module_on_http_filter_http_stream_complete)
public func calloutComplete(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64
) {}

@c(envoy_dynamic_module_on_http_filter_http_stream_reset)
public func calloutReset(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ callout: UInt64,
    _ reason: UInt32
) {}

@c(envoy_dynamic_module_on_http_filter_scheduled)
public func scheduled(
    _ request: UnsafeMutableRawPointer?, _ setup: UnsafeRawPointer?, _ event: UInt64
) {}
