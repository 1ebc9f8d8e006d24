import COpenSSL

extension Certificate {
    /// Whether a client that called `host`, a DNS name or an IP address, would take this certificate for it (RFC 9525 §6).
    public func isFor(host: String) -> Bool {
        if X509_check_ip_asc(handle, host, 0) == 1 { return true }
        return X509_check_host(handle, host, host.utf8.count, 0, nil) == 1
    }
}
