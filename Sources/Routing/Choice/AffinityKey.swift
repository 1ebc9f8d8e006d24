public import Transport

/// What requests that begin alike have in common, as 64 bits; never 0.
///
/// The caller's own word first (`prompt_cache_key`, then `user`), else the prompt's beginning: of a conversation, all up to and with the first
/// message of its user, which later turns repeat; of other prompts the first 1024 bytes.
public enum AffinityKey {
    /// Of a prompt no more than this is looked at.
    static let mostBytes = 16_384
    static let plainBytes = 1_024

    public static func of(_ scan: InferenceBody, _ body: UnsafeRawBufferPointer, model: String) -> UInt64 {
        var model = model
        let seed = model.withUTF8 { hash(UnsafeRawBufferPointer($0), 0x6d6f_6465_6c) }
        if let range = scan.promptCacheKey, !range.isEmpty {
            return nonzero(hash(UnsafeRawBufferPointer(rebasing: body[range]), seed ^ 1))
        }
        if let range = scan.user, !range.isEmpty {
            return nonzero(hash(UnsafeRawBufferPointer(rebasing: body[range]), seed ^ 2))
        }
        guard let range = scan.prompt, !range.isEmpty else { return 0 }
        let prompt = UnsafeRawBufferPointer(rebasing: body[range])
        return nonzero(hash(UnsafeRawBufferPointer(rebasing: prompt[..<beginning(of: prompt)]), seed ^ 3))
    }

    /// A place's name, as `Candidate.tag`: 24 bits; never 0.
    static func tag(_ name: String) -> UInt32 {
        var name = name
        return name.withUTF8 { UInt32(truncatingIfNeeded: hash(UnsafeRawBufferPointer($0), 0x706c_6163_65) >> 40) } | 1
    }

    /// The length of what later turns of the same conversation repeat. The JSON is known to be well-formed.
    static func beginning(of prompt: UnsafeRawBufferPointer) -> Int {
        guard prompt[0] == 0x5B else { return min(prompt.count, plainBytes) }
        let end = min(prompt.count, mostBytes)
        var depth = 0
        var isString = false
        var start = 0
        var at = 0
        while at < end {
            switch prompt[at] {
            case 0x5C where isString: at += 1
            case 0x22:
                isString.toggle()
            case 0x7B, 0x5B:
                if !isString {
                    depth += 1
                    if depth == 2 { start = at }
                }
            case 0x7D, 0x5D:
                if !isString {
                    depth -= 1
                    if depth == 1, contains(UnsafeRawBufferPointer(rebasing: prompt[start...at]), "\"user\"") {
                        return at + 1
                    }
                }
            default: break
            }
            at += 1
        }
        return end
    }

    private static func contains(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= count else { return false }
        for start in 0...(bytes.count - count) where bytes[start] == text.utf8Start[0] {
            var at = 1
            while at < count, bytes[start + at] == text.utf8Start[at] { at += 1 }
            if at == count { return true }
        }
        return false
    }

    /// Eight bytes at a time, each mixed in by a multiplication.
    private static func hash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
        var at = 0
        while at + 8 <= bytes.count {
            state = (state ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0x9fb2_1c65_1e98_df25
            state ^= state >> 32
            at += 8
        }
        while at < bytes.count {
            state = (state ^ UInt64(bytes[at])) &* 0x9fb2_1c65_1e98_df25
            state ^= state >> 29
            at += 1
        }
        return Choice.mix(state)
    }

    private static func nonzero(_ value: UInt64) -> UInt64 { value >> 24 == 0 ? value | 1 << 40 : value }
}
