//! Every limit on what a file may make a reader do, named, with unit and reason.

/// The limits that the readers take. The defaults suit a scan of untrusted datastores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest text file (`.vmx`, `.vmsd`, descriptor, XML) in bytes. Real ones have a few KiB; qemu too stops
    /// at 1 MiB.
    pub text_bytes: u64,
    /// Most lines or entries of a text file.
    pub text_entries: usize,
    /// Deepest nesting of an XML or key tree. Real trees have less than 10 levels.
    pub tree_depth: usize,
    /// Most nodes of a key tree. A real `.vmcx` has a few thousand.
    pub tree_nodes: usize,
    /// Most bytes of tables that one reader may hold at a time.
    pub table_bytes: u64,
    /// Longest log of a VHDX that is searched, in bytes. Windows and QEMU write 1 MiB.
    pub log_bytes: u64,
    /// Most key-value pairs of a parent locator. OpenVMM takes 256.
    pub locator_entries: u16,
    /// Longest string in bytes (paths, names, notes).
    pub string_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 1 << 20,
            text_entries: 50_000,
            tree_depth: 64,
            tree_nodes: 200_000,
            table_bytes: 32 << 20,
            log_bytes: 16 << 20,
            locator_entries: 256,
            string_bytes: 1 << 20,
        }
    }
}
