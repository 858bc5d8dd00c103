/// Names that people choose, and that stand in the paths of URLs.
package enum PathName {
    /// Whether a request by this name gets where it was sent. Browsers, proxies and libraries take `.` and `..` out of a
    /// path before they send it, `%2e` as well (RFC 3986 §5.2.4; the URL standard's "double-dot URL path segment"): it would
    /// ask for another path.
    package static func arrives(_ name: String) -> Bool { name != "." && name != ".." }
}
