// Which of the two defines `tm` for the compiler depends on the order in which it reads them.
import COpenSSL
import Glibc

/// RFC 3339 in UTC, to the second.
func utcText(_ secondsSince1970: Int64) -> String {
    var seconds = time_t(secondsSince1970)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "\(secondsSince1970) s since 1970" }
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
