/// The opcodes of pickle protocols 0 to 5 (PEP 307, PEP 3154, PEP 574).
enum PickleOpcode {
    static let proto: UInt8 = 0x80
    static let frame: UInt8 = 0x95
    static let stop: UInt8 = 0x2E
    static let memoize: UInt8 = 0x94
    static let binPut: UInt8 = 0x71
    static let longBinPut: UInt8 = 0x72
    static let binGet: UInt8 = 0x68
    static let longBinGet: UInt8 = 0x6A
    static let mark: UInt8 = 0x28
    static let pop: UInt8 = 0x30
    static let none: UInt8 = 0x4E
    static let newTrue: UInt8 = 0x88
    static let newFalse: UInt8 = 0x89
    static let binInt1: UInt8 = 0x4B
    static let binInt2: UInt8 = 0x4D
    static let binInt: UInt8 = 0x4A
    static let long1: UInt8 = 0x8A
    static let long4: UInt8 = 0x8B
    static let binFloat: UInt8 = 0x47
    static let shortBinUnicode: UInt8 = 0x8C
    static let binUnicode: UInt8 = 0x58
    static let binUnicode8: UInt8 = 0x8D
    static let shortBinBytes: UInt8 = 0x43
    static let binBytes: UInt8 = 0x42
    static let binBytes8: UInt8 = 0x8E
    static let emptyList: UInt8 = 0x5D
    static let append: UInt8 = 0x61
    static let appends: UInt8 = 0x65
    static let emptyDictionary: UInt8 = 0x7D
    static let setItem: UInt8 = 0x73
    static let setItems: UInt8 = 0x75
    static let emptyTuple: UInt8 = 0x29
    static let tuple1: UInt8 = 0x85
    static let tuple2: UInt8 = 0x86
    static let tuple3: UInt8 = 0x87
    static let tuple: UInt8 = 0x74

    static let global: UInt8 = 0x63
    static let instance: UInt8 = 0x69
    static let stackGlobal: UInt8 = 0x93

    /// The names of those that are refused: they build objects, call functions, name things outside, or belong to protocols
    /// that no worker writes any more.
    static let refused: [UInt8: String] = [
        0x63: "GLOBAL", 0x69: "INST", 0x93: "STACK_GLOBAL", 0x52: "REDUCE", 0x62: "BUILD", 0x6F: "OBJ", 0x81: "NEWOBJ",
        0x92: "NEWOBJ_EX", 0x50: "PERSID", 0x51: "BINPERSID", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8F: "EMPTY_SET",
        0x90: "ADDITEMS", 0x91: "FROZENSET", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER", 0x49: "INT",
        0x4C: "LONG", 0x46: "FLOAT", 0x53: "STRING", 0x54: "BINSTRING", 0x55: "SHORT_BINSTRING", 0x56: "UNICODE",
        0x6C: "LIST", 0x64: "DICT", 0x67: "GET", 0x70: "PUT", 0x31: "POP_MARK", 0x32: "DUP",
    ]
}
