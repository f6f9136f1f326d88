//! Writes the corpora that the targets begin with: `cargo run --release --example seeds` in this folder.
//!
//! Seeds of the builders always, samples where `../../../shared/samples` is there.

use std::{fs, io::Read, path::Path};

fn main() {
    let samples = samples(Path::new("../../../shared/samples"));
    for name in derelict_parsers_fuzz::names() {
        let folder = Path::new("corpus").join(name);
        fs::create_dir_all(&folder).expect("the folder of a corpus");
        let built = derelict_parsers_fuzz::seeds(name);
        let sampled = samples
            .iter()
            .filter_map(|(file, bytes)| derelict_parsers_fuzz::sample(name, file, bytes));
        let mut count = 0;
        for input in built.into_iter().chain(sampled) {
            fs::write(folder.join(format!("seed-{count:03}")), input).expect("a seed");
            count += 1;
        }
        println!("{name}: {count} seeds");
    }
}

/// Names and contents of the samples; `.gz` is how they are stored.
fn samples(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry of a folder").path()) {
        if path.is_dir() {
            found.extend(samples(&path));
            continue;
        }
        let bytes = fs::read(&path).expect("a sample");
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        match name.strip_suffix(".gz") {
            Some(stem) => {
                let mut plain = Vec::new();
                let decoder = flate2::read::GzDecoder::new(bytes.as_slice());
                decoder.take(64 << 20).read_to_end(&mut plain).expect("a compressed sample");
                found.push((stem.to_owned(), plain));
            }
            None => found.push((name, bytes)),
        }
    }
    found
}
