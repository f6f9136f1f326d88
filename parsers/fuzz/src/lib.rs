//! The checks of the fuzz targets, which are those of `tests/replay_artifacts.rs`.

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

/// Names of the targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    oracle::TARGETS.iter().map(|target| target.name)
}

/// Checks an input of a target.
///
/// # Panics
/// Where something does not hold, which is what the fuzzer looks for.
pub fn check(name: &str, input: &[u8]) {
    let target = oracle::TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").check)(input);
}

/// What a target begins with.
///
/// # Panics
/// Where there is no such target.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let target = oracle::TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").seeds)()
}

/// The input that a sample is for a target.
///
/// # Panics
/// Where there is no such target.
pub fn sample(name: &str, file: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let target = oracle::TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").sample)(file, bytes)
}

/// A fuzz target of this name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| derelict_parsers_fuzz::check($name, input));
    };
}
