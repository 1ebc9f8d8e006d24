/// Our own functions as they are registered with Globus Compute: Python source, embedded in the program.
public enum GlobusFunctions {
    public static var inferenceSource: String { String(decoding: PackageResources.inference_py, as: UTF8.self) }
    public static var statusSource: String { String(decoding: PackageResources.status_py, as: UTF8.self) }
}
