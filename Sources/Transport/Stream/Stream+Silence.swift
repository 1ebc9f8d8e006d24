import CLinux
import Glibc

extension Stream {
    /// Ends the connection when what was sent is not acknowledged for this long: a firewall forgot it, or a machine is gone.
    public func limitSilence(milliseconds: Int32) {
        _ = mesh_setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
    }
}
