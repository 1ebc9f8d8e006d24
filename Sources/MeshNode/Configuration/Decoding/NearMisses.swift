/// Finds what someone may have meant who wrote a word that is not known.
enum NearMisses {
    /// Words longer than this are not compared, so that no input costs much.
    static let scalarsCompared = 64

    /// At most three of the candidates, the nearest first: other spelling, a slip, or a part of the name (`timeout` for
    /// `timeoutSeconds`).
    static func of(_ word: String, among candidates: [String]) -> [String] {
        let asked = Array(word.lowercased().unicodeScalars)
        guard !asked.isEmpty, asked.count <= scalarsCompared else { return [] }
        var ranked: [(distance: Int, order: Int, name: String)] = []
        for (order, candidate) in candidates.enumerated() {
            let name = Array(candidate.lowercased().unicodeScalars.prefix(scalarsCompared))
            var distance = edits(from: asked, to: name)
            let isPart = asked.count >= 3 && (name.starts(with: asked) || asked.starts(with: name) && name.count >= 3)
            if isPart { distance = min(distance, 2) }
            if distance <= max(1, min(asked.count, name.count) / 3) || isPart { ranked.append((distance, order, candidate)) }
        }
        ranked.sort { ($0.distance, $0.order) < ($1.distance, $1.order) }
        return ranked.prefix(3).map(\.name)
    }

    /// `; did you mean …?`, or nothing where nothing is near.
    static func question(_ word: String, among candidates: [String], quote: String = "`") -> String {
        let names = of(word, among: candidates).map { quote + $0 + quote }
        return names.isEmpty ? "" : "; did you mean \(names.joined(separator: " or "))?"
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other
    /// (optimal string alignment distance).
    private static func edits(from a: [Unicode.Scalar], to b: [Unicode.Scalar]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
