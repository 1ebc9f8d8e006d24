import Storage
import Testing

@Test func theLibraryIsNewEnough() { #expect(Storage.libraryVersion >= "3.37") }
