import RegistryModel

/// How a run goes about its waves.
struct RunSettings {
    /// Between a wave and the next.
    var pause = TimeSpan(seconds: 0)
    /// Between a cutover and the check.
    var bake = TimeSpan(seconds: 0)
    /// Of each freeze.
    var deadline = TimeSpan(seconds: 900)
    /// Run by `sh -c` before each cutover; its failure stops the run, and thaws.
    var beforeCutover: String?
    /// Run by `sh -c` after each wave; its failure stops the run.
    var check: String?
    /// Whether a wave whose check failed is rolled back.
    var rollsBack = false
    /// How long freeze, cutover and rollback wait for the agents; nil: they don't.
    var waitSeconds: Int?
    var overrideReason: String?
    var note = Note()
}
