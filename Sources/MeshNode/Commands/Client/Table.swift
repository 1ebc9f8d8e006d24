/// Rows in aligned columns, for people.
struct Table {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var isEmpty: Bool { rows.count == 1 }

    /// Each column as wide as its widest cell; what a peer sent cannot move the cursor.
    var text: String {
        let clean = rows.map {
            $0.map { cell in String(cell.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) }) }
        }
        var widths: [Int] = []
        for row in clean {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        var out = ""
        for row in clean {
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            while line.hasSuffix(" ") { line.removeLast() }
            out += line + "\n"
        }
        return out
    }
}

/// A number with one digit after the point; a dash for the unknown.
func short(_ number: Double?, unit: String = "") -> String {
    guard let number, number.isFinite, number.magnitude < 1e12 else { return "-" }
    let tenths = Int((number * 10).rounded())
    return "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)\(unit)"
}

func short(_ number: Int?) -> String { number.map { String($0) } ?? "-" }
