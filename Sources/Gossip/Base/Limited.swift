/// A setting that cannot leave its range: what is set beyond it becomes the nearest allowed value (not a number: the lowest).
/// `$setting` is the range, for a configuration reader to check and to name.
@propertyWrapper
public struct Limited<Value: Comparable & Sendable>: Equatable, Sendable {
    private var value: Value
    private let allowed: ClosedRange<Value>

    public init(wrappedValue: Value, _ allowed: ClosedRange<Value>) {
        self.allowed = allowed
        self.value = allowed.contains(wrappedValue) ? wrappedValue : allowed.lowerBound
    }

    public var wrappedValue: Value {
        get { value }
        set {
            value =
                allowed.contains(newValue)
                ? newValue : newValue > allowed.upperBound ? allowed.upperBound : allowed.lowerBound
        }
    }

    public var projectedValue: ClosedRange<Value> { allowed }
}
