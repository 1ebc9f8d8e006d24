import CLinux
import Glibc
import Trust

/// What the machine itself must be right in.
extension Doctor {
    static func openSSL(fipsIsRequired: Bool) -> [Finding] {
        let library = Finding.ok("openssl", FIPS.library)
        guard fipsIsRequired else {
            return [library, .ok("fips", "off: cryptography comes from OpenSSL's default provider")]
        }
        do throws(TrustError) {
            let module = try FIPS.require()
            return [
                library, .ok("fips", "required: \(module.name) \(module.version); TLS by AES-GCM on P-256 and P-384 alone"),
            ]
        } catch {
            // One sentence says what is wrong, the next what to do.
            let parts = error.message.split(separator: ";", maxSplits: 1)
            let advice = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : nil
            return [library, .fail("fips", String(parts[0]), advice)]
        }
    }

    /// Estimated errors of the system's clock above this are worth a word, in seconds.
    private static let clockErrorSeconds = 1.0

    static func clock() -> [Finding] {
        var microseconds = 0
        let state = mesh_clock_is_synchronised(&microseconds)
        let now = Lifetime.moment(Int64(mesh_realtime_ns() / 1_000_000_000))
        if state < 0 { return [.warn("clock", "\(now); the kernel does not tell whether anything keeps it right")] }
        let error = Double(microseconds) / 1e6
        guard state == 1 else {
            return [
                .warn(
                    "clock", "\(now); nothing keeps it right, says the kernel",
                    "run an NTP client (chrony, systemd-timesyncd); in a container the host's counts")
            ]
        }
        guard error <= clockErrorSeconds else {
            return [
                .warn(
                    "clock", "\(now); kept right, but only to \(short(error)) s", "look at the NTP client: chronyc tracking")
            ]
        }
        return [.ok("clock", "\(now); kept right by NTP")]
    }

    /// Free bytes in the state directory below which there is a word, and below which there is no going on.
    private static let (fewBytes, tooFewBytes): (UInt64, UInt64) = (1 << 30, 64 << 20)

    static func state(_ path: String) -> [Finding] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            guard errno == ENOENT, access(parent.isEmpty ? "/" : parent, W_OK) == 0 else {
                return [
                    .fail(
                        "state", "\(path) cannot be used: \(String(cString: strerror(errno)))",
                        "make it, for the user that runs the node: install -d -m 700 \(path)")
                ]
            }
            return [.ok("state", "\(path) is made at the first start")]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [.fail("state", "\(path) is no directory", "name another stateDirectory")]
        }
        guard status.st_mode & 0o022 == 0 else {
            return [.fail("state", "others may write to \(path)", "run: chmod go-w \(path)")]
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return [
                .fail("state", "\(path) is not writable for user \(geteuid())", "run: chown -R USER-OF-THE-NODE \(path)")
            ]
        }
        let free = mesh_free_bytes(path)
        let room = "\(path) has \(free >> 20) MiB left"
        if free < tooFewBytes { return [.fail("state", room, "make room there")] }
        if free < fewBytes { return [.warn("state", room, "make room there")] }
        return [.ok("state", "\(path) is writable, \(free >> 20) MiB free")]
    }

    /// Each client may need a connection to a server or node beside its own; logs, databases and links take a few.
    static func limits(_ configured: LimitConfiguration) -> [Finding] {
        let wanted = UInt64(configured.connections) * 2 + 256
        let allowed = mesh_descriptor_limit()
        guard allowed >= wanted else {
            return [
                .warn(
                    "limits", "\(allowed) open files are allowed, \(configured.connections) clients may need \(wanted)",
                    "set LimitNOFILE=\(wanted) in the service's unit, or lower limits.connections")
            ]
        }
        return [.ok("limits", "\(allowed) open files are allowed")]
    }
}
