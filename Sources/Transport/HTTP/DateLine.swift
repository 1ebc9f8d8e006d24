import CLinux
import Glibc

/// The `Date` field (RFC 9110 §6.6.1), rendered once a second.
final class DateLine {
    private var second: Int = -1
    private var bytes: [UInt8] = []

    func append(to buffer: inout ByteBuffer) {
        let now = time(nil)
        if now != second {
            second = now
            render(now)
        }
        buffer.append(bytes)
    }

    private func render(_ now: Int) {
        var moment = now
        var parts = tm()
        gmtime_r(&moment, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts)
        bytes = text[..<count].map { UInt8(bitPattern: $0) }
    }
}
