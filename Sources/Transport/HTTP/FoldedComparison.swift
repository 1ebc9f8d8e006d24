/// Compares with a text in lower case, ASCII letters folded.
public func equalsFolded(_ bytes: UnsafeRawBufferPointer, _ lowercased: StaticString) -> Bool {
    guard bytes.count == lowercased.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count {
        let byte = bytes[index]
        let folded = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
        if folded != lowercased.utf8Start[index] { return false }
    }
    return true
}
