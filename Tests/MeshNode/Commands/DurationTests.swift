import Testing

@testable import MeshNode

@Test(
    arguments: [
        ("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("1s", 1), ("3650d", 315_360_000), ("0s", nil), ("", nil),
        ("h", nil), ("2", nil), ("-2h", nil), ("2 h", nil), ("1.5h", nil), ("2h30m", nil), ("3651d", nil),
        ("9999999999s", nil), ("٢h", nil), ("2H", nil),
    ] as [(String, Int?)])
func lengthsOfTimeAreAsPeopleTypeThem(_ text: String, _ seconds: Int?) {
    #expect(MeshNode.Duration.seconds(text) == seconds)
}
