//! BLAKE3 of whole files, by bounded positioned reads: no file of a datastore is mapped.

use std::{io, path::Path};

use derelict_parsers::ReadAt;
use rayon::prelude::*;

use crate::{
    catalogue::{Catalogue, Issue, Stage},
    collect::pool,
    error::Result,
    file_reader::FileReader,
    progress::{Phase, Progress},
};

/// Bytes of one read.
const BUFFER_BYTES: usize = 256 << 10;

/// BLAKE3 of a file, in hex. `read` hears of the bytes as they come.
///
/// # Errors
/// What the operating system said.
pub fn hash_file(path: &Path, read: impl Fn(u64)) -> io::Result<String> {
    let reader = FileReader::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut offset = 0_u64;
    loop {
        let got = reader.read_at(offset, &mut buffer)?;
        let Some(bytes) = buffer.get(..got).filter(|bytes| !bytes.is_empty()) else {
            return Ok(hasher.finalize().to_hex().to_string());
        };
        hasher.update(bytes);
        let count = u64::try_from(got).unwrap_or(u64::MAX);
        read(count);
        offset = offset.saturating_add(count);
    }
}

/// Hashes the artifacts at these places of the list, many files at a time. A file that cannot be read is an issue.
///
/// # Errors
/// When the machine refuses threads.
pub fn hash_artifacts(
    catalogue: &mut Catalogue,
    indexes: &[usize],
    threads: Option<usize>,
    progress: &dyn Progress,
) -> Result<()> {
    let length = |index: &usize| {
        catalogue
            .artifacts
            .get(*index)
            .map_or(0, |artifact| artifact.entry.length)
    };
    progress.phase(Phase::Hash {
        total_bytes: indexes.iter().map(length).fold(0, u64::saturating_add),
    });
    let hash = |&index: &usize| (index, hash_artifact(catalogue, index, progress));
    let hashes: Vec<_> = pool(threads)?.install(|| indexes.par_iter().map(hash).collect());
    progress.finish();
    for (index, result) in hashes {
        let Some(artifact) = catalogue.artifacts.get_mut(index) else {
            continue;
        };
        match result {
            Ok(hash) => artifact.blake3 = Some(hash),
            Err(error) => catalogue.issues.push(Issue {
                root: Some(artifact.entry.root),
                path: artifact.entry.path.clone(),
                stage: Stage::Hash,
                error: error.to_string(),
                folder: false,
            }),
        }
    }
    catalogue.sort();
    Ok(())
}

fn hash_artifact(catalogue: &Catalogue, index: usize, progress: &dyn Progress) -> io::Result<String> {
    let path = catalogue.artifacts.get(index).and_then(|artifact| {
        let root = catalogue.roots.get(artifact.entry.root)?;
        Some(root.path.to_os()?.join(artifact.entry.path.to_os()?))
    });
    let path = path.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "has no path on this machine"))?;
    hash_file(&path, |bytes| progress.bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes_whatever_the_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        for length in [0, 1, 65_536, BUFFER_BYTES, BUFFER_BYTES * 2 + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            std::fs::write(&path, &bytes).unwrap();
            let expected = blake3::hash(&bytes).to_hex().to_string();
            assert_eq!(hash_file(&path, |_| {}).unwrap(), expected, "{length} bytes");
        }
    }
}
