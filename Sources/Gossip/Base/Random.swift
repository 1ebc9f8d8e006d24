/// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64: small, fast, and the same on every machine.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var mixer = seed
        func draw() -> UInt64 {
            mixer &+= 0x9e37_79b9_7f4a_7c15
            return mix64(mixer)
        }
        state = (draw(), draw(), draw(), draw())
    }

    mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// Uniform in 0 ..< 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Up to `count` different elements, in random order.
    mutating func pick<Element>(_ count: Int, of elements: [Element]) -> [Element] {
        var pool = elements
        let taken = min(count, pool.count)
        for index in 0..<max(taken, 0) {
            pool.swapAt(index, Int.random(in: index..<pool.count, using: &self))
        }
        return Array(pool.prefix(max(taken, 0)))
    }
}

/// The finalizer of splitmix64: each input bit changes half of the output bits.
func mix64(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}

/// Binary logarithm by repeated squaring, to 2^-20: the standard library has none, and all machines must agree.
func binaryLogarithm(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 0 }
    var result = Double(value.exponent)
    var significand = value.significand
    var bit = 0.5
    for _ in 0..<20 {
        significand *= significand
        if significand >= 2 {
            significand /= 2
            result += bit
        }
        bit /= 2
    }
    return result
}
