import Testing

@testable import Gossip

@Suite struct HashIndexTests {
    /// The same as a dictionary, whatever is done to it; with keys that share few places, so that they collide.
    @Test(arguments: UInt64(1)...20)
    func itIsADictionary(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var index = HashIndex()
        var model: [UInt64: Int] = [:]
        for _ in 0..<4000 {
            let key = UInt64.random(in: 0..<40, using: &random) << UInt64.random(in: 0..<20, using: &random)
            if Bool.random(using: &random) {
                let value = Int.random(in: 0..<1000, using: &random)
                index[key] = value
                model[key] = value
            } else {
                index[key] = nil
                model[key] = nil
            }
            #expect(index.count == model.count)
            #expect(index[key] == model[key])
        }
        for (key, value) in model { #expect(index[key] == value) }
        for key in UInt64(0)..<64 { #expect(index[key] == model[key]) }
    }
}
