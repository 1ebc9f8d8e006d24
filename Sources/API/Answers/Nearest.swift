/// The name that is most like one that was not found, if any is near enough to be what was meant.
func nearest(_ name: String, among names: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(128))
    var best: (name: String, distance: Int)?
    for candidate in names.prefix(1000) {
        let distance = editDistance(wanted, Array(candidate.lowercased().utf8.prefix(128)))
        if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(2, wanted.count / 3) else { return nil }
    return best.name
}

/// Levenshtein's distance, in one row of memory.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
            diagonal = above
        }
    }
    return row[b.count]
}
