/// What a document says about a field that may be cleared: nothing, null, or a value. For merge
/// patches, RFC 7396.
package enum JSONField<Value> {
    case absent
    case null
    case value(Value)
}

extension JSONField: Sendable where Value: Sendable {}
extension JSONField: Equatable where Value: Equatable {}
