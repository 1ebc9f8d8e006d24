/// When a queued job is expected to begin, as FIRST passes it on from PBS: `Sun Jun  1 12:00:00 2025 (Chicago time)`.
///
/// The zone is in the text's own words and fixed in FIRST's function, whatever the cluster's place; its rules are few and known
/// (Energy Policy Act of 2005), so that no table of zones has to be on the machine.
struct EstimatedStart: Equatable {
    /// Since 1970, UTC.
    let seconds: Double

    /// nil if it is not of that form.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: " (Chicago time)") else { return nil }
        let words = text[..<mark.lowerBound].split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 5, let month = months.firstIndex(of: String(words[1])).map({ $0 + 1 }),
            let day = Int(words[2]), (1...31).contains(day), let year = Int(words[4]), (2000...2100).contains(year)
        else { return nil }
        let clock = words[3].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2]) else {
            return nil
        }
        let secondsOfDay: Int = clock[0] * 3600 + clock[1] * 60 + clock[2]
        let local: Int = Self.days(year, month, day) * 86400 + secondsOfDay
        // Summer time from the second Sunday of March to the first of November, 2 o'clock each.
        let begins: Int = Self.sunday(2, year, 3) * 86400 + 7200
        let ends: Int = Self.sunday(1, year, 11) * 86400 + 7200
        let hoursBehind = local >= begins && local < ends ? 5 : 6
        seconds = Double(local + hoursBehind * 3600)
    }

    /// From a moment until then; not below 0.
    func secondsFrom(_ nowSeconds: Double) -> Double { max(0, seconds - nowSeconds) }

    /// Days from 1970-01-01 in the Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        // Years that begin in March have their leap day last.
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        return shifted * 365 + leapDays + dayOfYear - 719_468
    }

    /// The day of a month's Sunday by its number, as days from 1970.
    private static func sunday(_ number: Int, _ year: Int, _ month: Int) -> Int {
        let first = days(year, month, 1)
        // 1970-01-01 was a Thursday.
        let weekday = (first + 4) % 7
        return first + (7 - weekday) % 7 + 7 * (number - 1)
    }
}
