//! OVF packages: the descriptor (`.ovf`, DSP0243) and the manifest (`.mf`).
//!
//! Read of a descriptor: the files that it names, its disks, its virtual systems and products. Of a manifest: the digest
//! of each file. Names are relative to the package; nothing says which VM was exported or imported, so a package ties no
//! file to a VM.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, Limits, ParseError, ReadAt, Result,
    findings::Findings,
    xml::{self, Element},
};

/// Name of the structure in errors.
const WHAT: &str = "OVF descriptor";
/// Algorithms that manifests name.
const ALGORITHMS: [&str; 4] = ["SHA1", "SHA256", "SHA384", "SHA512"];

/// The codes of the anomalies of a descriptor or manifest.
pub mod code {
    /// A disk names a file that the references do not list.
    pub const DISK_WITHOUT_FILE: &str = "disk-without-file";
    /// A line of a manifest is none.
    pub const MANIFEST_LINE_BAD: &str = "manifest-line-bad";
}

/// What a descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ovf {
    /// `References`: every file of the package but the descriptor and its manifest.
    pub files: Vec<OvfFile>,
    /// `DiskSection`: the disks, also empty ones that have no file.
    pub disks: Vec<OvfDisk>,
    /// Virtual systems, and the collections around them.
    pub systems: Vec<OvfSystem>,
    /// `ProductSection`: what is packed.
    pub products: Vec<OvfProduct>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OvfFile {
    /// `ovf:id`, by which disks name it.
    pub id: String,
    /// `ovf:href`: its name in the package, or a URL.
    pub href: String,
    /// `ovf:size` in bytes.
    pub bytes: Option<u64>,
    /// `ovf:chunkSize` in bytes: the file is in parts `href.000000000`, ….
    pub chunk_bytes: Option<u64>,
    /// `ovf:compression`.
    pub compression: Option<String>,
}

/// A disk of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OvfDisk {
    /// `ovf:diskId`.
    pub id: String,
    /// `ovf:fileRef`: the id of its file; `None` for an empty disk.
    pub file_ref: Option<String>,
    /// Size in bytes that the guest sees; `None` where it is not a plain number of plain units.
    pub virtual_bytes: Option<u64>,
    /// `ovf:populatedSize` in bytes: what is in use.
    pub populated_bytes: Option<u64>,
    /// `ovf:format`: a URI, for VMware that of the streamOptimized specification.
    pub format: Option<String>,
    /// `ovf:parentRef`: the id of the disk that this one differs from.
    pub parent_ref: Option<String>,
}

/// A virtual system or a collection of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OvfSystem {
    /// `ovf:id`.
    pub id: String,
    /// `Name`.
    pub name: Option<String>,
    /// It holds others (a vApp).
    pub is_collection: bool,
}

/// What is packed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OvfProduct {
    /// `Product`.
    pub product: Option<String>,
    /// `Vendor`.
    pub vendor: Option<String>,
    /// `Version`.
    pub version: Option<String>,
    /// `FullVersion`.
    pub full_version: Option<String>,
}

impl Ovf {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// `Truncated`, `Malformed` when it is no XML, has a document type, or its first element is not `Envelope`;
    /// `LimitExceeded`, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let mut draft = Draft::default();
        let root = xml::walk(source, WHAT, limits, &mut |path| draft.leave(path))?;
        if root != "Envelope" {
            return Err(ParseError::Malformed {
                what: WHAT,
                offset: 0,
                detail: format!("the first element is {root:.40} and not Envelope"),
            });
        }
        let mut ovf = draft.ovf;
        ovf.note_lost_files();
        Ok(ovf)
    }

    /// The file of a disk.
    pub fn file_of(&self, disk: &OvfDisk) -> Option<&OvfFile> {
        let id = disk.file_ref.as_deref()?;
        self.files.iter().find(|file| file.id == id)
    }

    /// Disks whose file the references do not list.
    fn note_lost_files(&mut self) {
        let known: BTreeSet<&str> = self.files.iter().map(|file| file.id.as_str()).collect();
        let mut findings = Findings::default();
        for disk in &self.disks {
            if let Some(file) = disk.file_ref.as_deref().filter(|file| !known.contains(file)) {
                let text = format!(
                    "disk {:.80} is in file {file:.80}, which is not among the references",
                    disk.id
                );
                findings.note(Anomaly::new(code::DISK_WITHOUT_FILE, text));
            }
        }
        self.anomalies = findings.into_anomalies();
    }
}

/// A descriptor while its elements are collected.
#[derive(Debug, Default)]
struct Draft {
    ovf: Ovf,
    /// The product section that has not ended.
    product: OvfProduct,
    /// Names of systems that have not ended, with how deep these are.
    names: Vec<(usize, String)>,
}

impl Draft {
    /// Takes the element that ends.
    fn leave(&mut self, path: &[Element]) {
        let Some((element, around)) = path.split_last() else {
            return;
        };
        let parent = around.last().map_or("", |parent| parent.name.as_str());
        let text = || element.trimmed().map(str::to_owned);
        match (parent, element.name.as_str()) {
            ("References", "File") => self.ovf.files.push(OvfFile::of(element)),
            ("DiskSection", "Disk") => self.ovf.disks.push(OvfDisk::of(element)),
            ("VirtualSystem" | "VirtualSystemCollection", "Name") => {
                self.names.extend(text().map(|name| (around.len(), name)));
            }
            ("ProductSection", "Product") => self.product.product = text(),
            ("ProductSection", "Vendor") => self.product.vendor = text(),
            ("ProductSection", "Version") => self.product.version = text(),
            ("ProductSection", "FullVersion") => self.product.full_version = text(),
            (_, "ProductSection") => self.ovf.products.push(std::mem::take(&mut self.product)),
            (_, "VirtualSystem" | "VirtualSystemCollection") => self.end_system(element, path.len()),
            _ => {}
        }
    }

    fn end_system(&mut self, element: &Element, depth: usize) {
        let mut own = None;
        while let Some((_, name)) = self.names.pop_if(|(place, _)| *place >= depth) {
            own = Some(name);
        }
        self.ovf.systems.push(OvfSystem {
            id: element.attribute("id").unwrap_or_default().to_owned(),
            name: own,
            is_collection: element.name == "VirtualSystemCollection",
        });
    }
}

impl OvfFile {
    fn of(element: &Element) -> Self {
        let text = |name| element.attribute(name).unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            href: text("href"),
            bytes: element.number("size"),
            chunk_bytes: element.number("chunkSize"),
            compression: element.attribute("compression").map(str::to_owned),
        }
    }
}

impl OvfDisk {
    fn of(element: &Element) -> Self {
        let text = |name| element.attribute(name).map(str::to_owned);
        let units = element.attribute("capacityAllocationUnits");
        Self {
            id: text("diskId").unwrap_or_default(),
            file_ref: text("fileRef").filter(|file| !file.is_empty()),
            virtual_bytes: element
                .number("capacity")
                .and_then(|capacity| capacity.checked_mul(unit_bytes(units)?)),
            populated_bytes: element.number("populatedSize"),
            format: text("format"),
            parent_ref: text("parentRef"),
        }
    }
}

/// Bytes of a unit as DSP0004 writes it: `byte`, `byte * 2^30`; older writers put words.
fn unit_bytes(units: Option<&str>) -> Option<u64> {
    let Some(units) = units else { return Some(1) };
    let plain: String = units
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "" | "byte" | "bytes" => Some(1),
        "kilobytes" => Some(1 << 10),
        "megabytes" => Some(1 << 20),
        "gigabytes" => Some(1 << 30),
        power => {
            let exponent: u32 = power.strip_prefix("byte*2^")?.parse().ok()?;
            1_u64.checked_shl(exponent)
        }
    }
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The digests, in the order of the file.
    pub digests: Vec<Digest>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// The digest of one file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digest {
    /// `SHA1`, `SHA256`, `SHA384`, `SHA512`.
    pub algorithm: String,
    /// The file.
    pub file: String,
    /// The digest in lower-case hex, as long as its algorithm says.
    pub digest: String,
}

impl Manifest {
    /// Reads a manifest: lines `SHA256(disk.vmdk)= 0a1b…` (DSP0243, 5.1).
    ///
    /// # Errors
    /// `LimitExceeded` when it is too long, `Malformed` when no line is one of a manifest, `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        const MANIFEST: &str = "OVF manifest";
        if source.len() > limits.text_bytes {
            return Err(ParseError::LimitExceeded {
                what: MANIFEST,
                value: source.len(),
                limit: limits.text_bytes,
            });
        }
        let bytes = source.up_to(MANIFEST, 0, limits.text_bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut findings = Findings::default();
        let mut digests = Vec::new();
        for (line, number) in text.lines().zip(1_u64..).filter(|(line, _)| !line.trim().is_empty()) {
            match digest_of(line) {
                Some(digest) => digests.push(digest),
                None => findings.note(Anomaly::new(
                    code::MANIFEST_LINE_BAD,
                    format!("line {number} is no digest of a file"),
                )),
            }
        }
        if digests.is_empty() {
            return Err(ParseError::Malformed {
                what: MANIFEST,
                offset: 0,
                detail: "no line is a digest of a file".to_owned(),
            });
        }
        Ok(Self {
            digests,
            anomalies: findings.into_anomalies(),
        })
    }

    /// True when a file begins like a manifest.
    pub fn is_manifest(head: &[u8]) -> bool {
        ALGORITHMS.iter().any(|algorithm| {
            head.strip_prefix(algorithm.as_bytes())
                .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"("))
        })
    }
}

/// One line of a manifest.
fn digest_of(line: &str) -> Option<Digest> {
    let (algorithm, rest) = line.split_once('(')?;
    let (file, digest) = rest.rsplit_once(")=").or_else(|| rest.rsplit_once(") ="))?;
    let algorithm = algorithm.trim().to_ascii_uppercase();
    let digest = digest.trim().to_ascii_lowercase();
    let digits = match algorithm.as_str() {
        "SHA1" => 40,
        "SHA256" => 64,
        "SHA384" => 96,
        "SHA512" => 128,
        _ => return None,
    };
    let is_whole = digest.len() == digits && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole.then(|| Digest {
        algorithm,
        file: file.to_owned(),
        digest,
    })
}
