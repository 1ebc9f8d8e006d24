import CLinux
import Glibc

/// What changes of a file when another stands in its place or it is written again: enough to tell that it is to be read anew.
struct FileStamp: Equatable {
    private var inode: UInt64
    private var seconds: Int
    private var nanoseconds: Int
    private var bytes: Int

    /// nil: there is no such file, or it may not be looked at.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
        bytes = Int(status.st_size)
    }

    /// Of a certificate's file and its key's.
    static func of(_ files: CertificateConfiguration) -> [FileStamp?] {
        [FileStamp(files.certificateFile), FileStamp(files.keyFile)]
    }
}
