//! The lists of vSphere HA: `protectedlist` and `host-N-poweron` below `.vSphere-HA`.
//!
//! They name configurations of VMs that a vCenter protects or a host runs. Their form is not confirmed: paths that end in
//! `.vmx` are taken from the text, whatever stands around them, and what cannot be read as paths proves nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ReadAt, Result,
    charset::Charset,
    findings::Findings,
    reference::{FileKind, FileReference},
};

/// Longest path that is taken.
const MAX_PATH_BYTES: usize = 4096;
/// What the paths end with.
const SUFFIX: &[u8] = b".vmx";

/// The code of an anomaly of a list: not all of it was read, or kept.
pub const CUT: &str = "ha-list-cut";

/// What an HA list tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HaList {
    /// First line of a `poweron` file: `1` where the host is isolated, `0` where it is not.
    pub isolated: Option<bool>,
    /// Paths of configurations, in the order of the file, each once.
    pub vmx_paths: Vec<EncodedText>,
    /// Why paths may be missing; `None` where all of it was read.
    #[serde(default)]
    pub damage: Option<Anomaly>,
    /// What is odd.
    #[serde(default)]
    pub anomalies: Vec<Anomaly>,
}

impl HaList {
    /// Reads at most as much as a text file may have; that there is more is damage.
    ///
    /// # Errors
    /// `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = source.up_to("HA list", 0, limits.text_bytes)?;
        let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        let mut paths = bytes
            .split(|byte| *byte < 0x20 || matches!(byte, b'"' | b'<' | b'>'))
            .flat_map(paths_of)
            .filter(|path| seen.insert(*path));
        let kept = paths.by_ref().take(limits.text_entries);
        let vmx_paths = kept.map(|path| Charset::declared(None, path).0.text(path)).collect();
        let left_out = paths.count();
        let mut findings = Findings::default();
        let read = ReadAt::len(bytes.as_ref());
        if read < source.len() {
            let text = format!(
                "of {} bytes {read} were read: paths behind them are missing",
                source.len()
            );
            findings.damage(Anomaly::at(CUT, read, text));
        }
        if left_out > 0 {
            let text = format!("further paths are not kept: {left_out}");
            findings.damage(Anomaly::new(CUT, text));
        }
        Ok(Self {
            isolated: match first.trim_ascii() {
                b"0" => Some(false),
                b"1" => Some(true),
                _ => None,
            },
            vmx_paths,
            damage: findings.first_damage(),
            anomalies: findings.into_anomalies(),
        })
    }

    /// The configurations as references.
    pub fn references(&self) -> Vec<FileReference> {
        self.vmx_paths
            .iter()
            .map(|path| FileReference::new("HA list", path.clone(), FileKind::Config))
            .collect()
    }
}

/// The paths in a run of text: each ends with `.vmx` and a blank, comma, semicolon or apostrophe, or the end of the run. A
/// name may hold an apostrophe itself.
fn paths_of(run: &[u8]) -> Vec<&[u8]> {
    let mut paths = Vec::new();
    let mut rest = run;
    while let Some(end) = path_end(rest) {
        let (path, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
        let path = begin_at_root(path);
        if path.len() > SUFFIX.len() && path.len() <= MAX_PATH_BYTES {
            paths.push(path);
        }
        rest = after;
    }
    paths
}

/// Where the first path ends.
fn path_end(run: &[u8]) -> Option<usize> {
    (SUFFIX.len()..=run.len()).find(|&end| {
        let ends_with_suffix = run
            .get(end.saturating_sub(SUFFIX.len())..end)
            .is_some_and(|tail| tail.eq_ignore_ascii_case(SUFFIX));
        ends_with_suffix
            && run
                .get(end)
                .is_none_or(|next| matches!(next, b' ' | b',' | b';' | b'\''))
    })
}

/// Drops what stands before the root of a path: a separator, a number, a state. A path that begins with its root may hold
/// what looks like one (`[ds 1] web [old]/web.vmx`), so the first root counts.
fn begin_at_root(path: &[u8]) -> &[u8] {
    let roots = [&b"ds:///vmfs/volumes/"[..], b"/vmfs/volumes/", b" [", b"'["];
    let path = path.trim_ascii_start();
    if path.starts_with(b"[") {
        return path;
    }
    let start = roots
        .into_iter()
        .filter_map(|root| path.windows(root.len()).position(|window| window == root))
        .min()
        .unwrap_or_default();
    let after = path.get(start..).unwrap_or_default();
    let first = after
        .iter()
        .position(|byte| !matches!(byte, b' ' | b',' | b';' | b'\''));
    first.and_then(|first| after.get(first..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Option<bool>, Vec<String>) {
        let list = HaList::read(bytes, &Limits::default()).unwrap();
        (list.isolated, list.vmx_paths.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_poweron_file_names_the_running_vms_of_a_host() {
        let (isolated, paths) =
            read(b"0\n/vmfs/volumes/5c/web 01/web 01.vmx\n/vmfs/volumes/5c/db/db.VMX\n/vmfs/volumes/5c/db/db.vmxf\n");
        assert_eq!(isolated, Some(false));
        assert_eq!(
            paths,
            ["/vmfs/volumes/5c/web 01/web 01.vmx", "/vmfs/volumes/5c/db/db.VMX"]
        );
    }

    #[test]
    fn paths_are_found_among_markup_numbers_and_binary_bytes_each_once() {
        let (isolated, paths) = read(
            b"<vm id=\"7\">ds:///vmfs/volumes/5c/a/a.vmx</vm>\0\x01\x02x 12 [ds 1] b/b[1].vmx,[ds 1] b/b[1].vmx;12 /vmfs/volumes/n/c d/c.vmx\0",
        );
        assert_eq!(isolated, None);
        assert_eq!(
            paths,
            [
                "ds:///vmfs/volumes/5c/a/a.vmx",
                "[ds 1] b/b[1].vmx",
                "/vmfs/volumes/n/c d/c.vmx"
            ]
        );
    }

    #[test]
    fn an_apostrophe_is_a_quote_around_a_path_or_a_part_of_its_name() {
        let (_, paths) = read(
            b"/vmfs/volumes/5c/Bob's VM/Bob's VM.vmx\na='/vmfs/volumes/5c/a/a.vmx' b='[ds 1] b/b.vmx','[ds 1] Bob's/c.vmx'\n",
        );
        assert_eq!(
            paths,
            [
                "/vmfs/volumes/5c/Bob's VM/Bob's VM.vmx",
                "/vmfs/volumes/5c/a/a.vmx",
                "[ds 1] b/b.vmx",
                "[ds 1] Bob's/c.vmx"
            ]
        );
    }

    #[test]
    fn brackets_inside_a_path_do_not_begin_it() {
        let (_, paths) = read(b"[ds 1] web [old]/web.vmx\n7 [ds 1] db [old]/db.vmx\n/vmfs/volumes/5c/a [b]/a.vmx\n");
        assert_eq!(
            paths,
            [
                "[ds 1] web [old]/web.vmx",
                "[ds 1] db [old]/db.vmx",
                "/vmfs/volumes/5c/a [b]/a.vmx"
            ]
        );
    }

    #[test]
    fn a_list_that_is_cut_says_so() {
        let path = b"/vmfs/volumes/5c/a/a.vmx\n";
        let mut long = path.repeat(50_000);
        long.truncate(usize::try_from(Limits::default().text_bytes).unwrap());
        let whole = HaList::read(&long, &Limits::default()).unwrap();
        assert_eq!((whole.vmx_paths.len(), whole.damage), (1, None));
        long.extend(b"\n/vmfs/volumes/5c/b/b.vmx\n");
        let cut = HaList::read(&long, &Limits::default()).unwrap();
        assert_eq!((cut.vmx_paths.len(), cut.damage.unwrap().code.as_str()), (1, CUT));
        let few = Limits {
            text_entries: 1,
            ..Limits::default()
        };
        let list = HaList::read(&b"/vmfs/a.vmx\n/vmfs/b.vmx\n/vmfs/b.vmx\n"[..], &few).unwrap();
        assert_eq!(list.anomalies[0].text, "further paths are not kept: 1");
    }

    #[test]
    fn what_cannot_be_read_as_paths_names_nothing() {
        assert_eq!(read(&[0x1F, 0x8B, 8, 0, 0xFF]), (None, Vec::new()));
        assert_eq!(read(b".vmx .vmx"), (None, Vec::new()));
    }
}
