import Globus
import Testing

@Test func theFunctionsAreEmbedded() { #expect(!GlobusFunctions.inferenceSource.isEmpty) }
