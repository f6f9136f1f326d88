//! The header facts of 1,000 mixed images, next to `qemu-img info`, libyal and dissect on the same files.
//!
//! `cargo bench -p derelict-parsers --bench mixed`; the ratios stand in the README. It makes the images (with qemu-img in
//! all its subformats, and with the builders of this crate what qemu does not write), then reads them with each tool that
//! is installed, and says which is not. `DERELICT_PYTHON` names a Python that has dissect.hypervisor.
//!
//! qemu-img and libyal read one file in a process: what such a process takes less one that only tells its version is set
//! beside what this crate takes for the file inside of one process, and whole processes of both beside each other. dissect
//! is compared inside of one process. Only files that the other tool reads count. What is told is the mean over the kinds of
//! images, of each the best of all its copies: that holds on a busy machine too.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot set itself up has failed, and it tells its result"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hint::black_box,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::Instant,
};

use derelict_parsers::{
    DiskKind, Limits, ReadAt, qcow2,
    testkit::{
        SparseFile, guid,
        vhd::VhdBuilder,
        vhdx::VhdxBuilder,
        vmware::{DescriptorBuilder, cowd_with_grains, sesparse_with_grains},
    },
    vdi, vhd, vhdx, vmdk,
};

const IMAGES: usize = 1000;
const MIB: u64 = 1 << 20;
/// Subformats that qemu-img writes: format, extension, options.
const OF_QEMU: &[(&str, &str, &str)] = &[
    ("vmdk", "vmdk", "subformat=monolithicSparse"),
    ("vmdk", "vmdk", "subformat=monolithicFlat"),
    ("vmdk", "vmdk", "subformat=twoGbMaxExtentSparse"),
    ("vmdk", "vmdk", "subformat=twoGbMaxExtentFlat"),
    ("vmdk", "vmdk", "subformat=streamOptimized"),
    ("vpc", "vhd", "subformat=dynamic"),
    ("vpc", "vhd", "subformat=fixed"),
    ("vhdx", "vhdx", "subformat=dynamic"),
    ("vhdx", "vhdx", "subformat=fixed"),
    ("qcow2", "qcow2", "compat=1.1"),
    ("vdi", "vdi", "static=off"),
];

/// A file as a scan reads it: what a parser asks for, and how often.
struct Source {
    file: Mutex<File>,
    length: u64,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let file = Mutex::new(file);
        Ok(Self { file, length })
    }
}

impl ReadAt for Source {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap();
        file.seek(SeekFrom::Start(offset))?;
        let mut got = 0;
        while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 => break,
                count => got += count,
            }
        }
        Ok(got)
    }
}

/// Reads the header facts of one image.
fn read_image(path: &Path) {
    let source = Source::open(path).unwrap();
    let limits = Limits::default();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("vmdk") => drop(black_box(vmdk::read(&source, &limits).unwrap())),
        Some("vhd") => drop(black_box(vhd::read(&source, &limits).unwrap())),
        Some("vhdx") => drop(black_box(vhdx::read(&source, &limits).unwrap())),
        Some("qcow2") => drop(black_box(qcow2::read(&source, &limits).unwrap())),
        _ => drop(black_box(vdi::read(&source).unwrap())),
    }
}

/// Writes a file and leaves its zeros as holes.
fn write(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.set_len(u64::try_from(bytes.len()).unwrap()).unwrap();
    for (number, piece) in bytes.chunks(4096).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            let at = u64::try_from(number).unwrap() * 4096;
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(piece).unwrap();
        }
    }
}

fn write_sparse(path: &Path, file: &SparseFile) {
    write(path, &file.to_vec());
}

/// One image of each kind, each in a folder of its own; the image is the file that is named `image`.
fn templates(folder: &Path) -> Vec<PathBuf> {
    let mut made = Vec::new();
    let mut next = |extension: &str| {
        let folder = folder.join(format!("kind{}", made.len()));
        fs::create_dir(&folder).unwrap();
        let image = folder.join("image").with_extension(extension);
        made.push(image.clone());
        image
    };
    let raw = folder.join("content.raw");
    let content: Vec<u8> = (0..4 * MIB)
        .map(|at| if at % (512 << 10) < 70_000 { 7 } else { 0 })
        .collect();
    fs::write(&raw, content).unwrap();
    for (format, extension, options) in OF_QEMU {
        let image = next(extension);
        let status = Command::new("qemu-img")
            .args(["convert", "-q", "-f", "raw", "-O", format, "-o", options])
            .args([&raw, &image])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "qemu-img has to make the images"
        );
    }
    let sectors = 4 << 11;
    let with_flat = |folder: &Path, stem: &str| {
        let flat = File::create(folder.join(format!("{stem}-flat.vmdk"))).unwrap();
        flat.set_len(sectors * 512).unwrap();
        DescriptorBuilder::vmfs(stem, sectors, 1, guid(1, 1)).build()
    };
    let image = next("vmdk");
    write(&image, &with_flat(image.parent().unwrap(), "image"));
    let image = next("vmdk");
    let folder = image.parent().unwrap();
    write(&folder.join("base.vmdk"), &with_flat(folder, "base"));
    write(&folder.join("image-delta.vmdk"), &cowd_with_grains(1 << 13, &[0, 5]));
    write(
        &image,
        &DescriptorBuilder::cowd_link("image", sectors, 2, "base.vmdk", 1).build(),
    );
    let image = next("vmdk");
    let folder = image.parent().unwrap();
    write(&folder.join("base.vmdk"), &with_flat(folder, "base"));
    write_sparse(
        &folder.join("image-sesparse.vmdk"),
        &sesparse_with_grains(sectors, false, &[]),
    );
    write(
        &image,
        &DescriptorBuilder::sesparse_link("image", sectors, 2, "base.vmdk", 1).build(),
    );
    write_sparse(&next("vhd"), &VhdBuilder::new(DiskKind::Dynamic, 64 * MIB, 1).build());
    write_sparse(&next("vhdx"), &VhdxBuilder::new(DiskKind::Dynamic, 64 << 30, 1).build());
    made
}

/// One of the images.
#[derive(Clone)]
struct Image {
    kind: usize,
    path: PathBuf,
}

/// Copies of the templates, in turn, each in its own folder.
fn images(templates: &[PathBuf], folder: &Path) -> Vec<Image> {
    let copy = |(number, (kind, template)): (usize, (usize, &PathBuf))| {
        let target = folder.join(format!("image{number}"));
        fs::create_dir(&target).unwrap();
        for entry in fs::read_dir(template.parent().unwrap()).unwrap() {
            let from = entry.unwrap().path();
            let mut bytes = Vec::new();
            File::open(&from).unwrap().read_to_end(&mut bytes).unwrap();
            write(&target.join(from.file_name().unwrap()), &bytes);
        }
        let path = target.join(template.file_name().unwrap());
        Image { kind, path }
    };
    let templates = templates.iter().enumerate().cycle();
    (0..IMAGES).zip(templates).map(copy).collect()
}

/// Seconds that an image takes: the mean over the kinds, of each the best of its copies.
fn seconds(images: &[Image], read: impl Fn(&Path)) -> f64 {
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    for image in images {
        let begin = Instant::now();
        read(&image.path);
        let seconds = begin.elapsed().as_secs_f64();
        let best = best.entry(image.kind).or_insert(f64::MAX);
        *best = best.min(seconds);
    }
    let kinds = f64::from(u32::try_from(best.len().max(1)).unwrap());
    best.values().sum::<f64>() / kinds
}

fn command(program: &str, arguments: &[&str], image: &Path) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(image)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Compares a tool that reads one file in a process.
fn compare_processes(name: &str, program: &str, arguments: &[&str], images: &[Image]) {
    if Command::new(program).arg("-V").output().is_err() {
        return println!("| {name} | SKIPPED: {program} is absent | | | | |");
    }
    let can_read = |image: &&Image| command(program, arguments, &image.path);
    let images: Vec<Image> = images.iter().filter(can_read).cloned().collect();
    let exe = std::env::current_exe().unwrap();
    let theirs = seconds(&images, |image| assert!(command(program, arguments, image)));
    let start = seconds(&images, |_| assert!(command(program, &[], Path::new("-V"))));
    let process = seconds(&images, |image| {
        assert!(command(exe.to_str().unwrap(), &["--read"], image));
    });
    let process = format!("{:.1}", theirs / process);
    row(
        name,
        images.len(),
        theirs - start,
        seconds(&images, read_image),
        &process,
    );
}

/// Prints what an image takes, and how many times as fast this crate is, and its process.
fn row(name: &str, files: usize, theirs: f64, ours: f64, process: &str) {
    println!(
        "| {name} | {files} | {:.0} µs | {:.0} µs | {:.1} | {process} |",
        theirs * 1e6,
        ours * 1e6,
        theirs / ours
    );
}

/// Compares dissect: each image is opened, which reads its headers and tables as far as it does so, and its size is asked.
fn compare_with_dissect(images: &[Image], list: &Path) {
    const SCRIPT: &str = r"
import sys, time
from pathlib import Path
from dissect.hypervisor.disk import qcow2, vdi, vhd, vhdx, vmdk
kinds = {'.vmdk': vmdk.VMDK, '.vhd': vhd.VHD, '.vhdx': vhdx.VHDX}
def read(path):
    if path.suffix in ('.vmdk', '.vhdx'):
        return kinds[path.suffix](path).size
    with path.open('rb') as file:
        if path.suffix == '.vhd':
            return vhd.VHD(file).size
        if path.suffix == '.qcow2':
            return qcow2.QCow2(file).size
        return vdi.VDI(file).size
best, sound = {}, []
for line in open(sys.argv[1]).read().splitlines():
    kind, path = line.split('\t')
    try:
        read(Path(path))
    except Exception as error:
        print(path, error, file=sys.stderr)
        continue
    begin = time.perf_counter()
    read(Path(path))
    best[kind] = min(best.get(kind, float('inf')), time.perf_counter() - begin)
    sound.append(path)
print(sum(best.values()) / max(len(best), 1))
print('\n'.join(sound))
";
    let names: Vec<String> = images
        .iter()
        .map(|image| format!("{}\t{}", image.kind, image.path.display()))
        .collect();
    fs::write(list, names.join("\n")).unwrap();
    let python = std::env::var("DERELICT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .args(["-c", SCRIPT, list.to_str().unwrap()])
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return println!("| dissect.hypervisor | SKIPPED: {python} has no dissect.hypervisor | | | | |");
    };
    let said = String::from_utf8(output.stdout).unwrap();
    let (theirs, sound) = said.split_once('\n').unwrap();
    let sound: Vec<&Path> = sound.lines().map(Path::new).collect();
    let is_sound = |image: &&Image| sound.contains(&image.path.as_path());
    let images: Vec<Image> = images.iter().filter(is_sound).cloned().collect();
    let ours = seconds(&images, read_image);
    row("dissect.hypervisor", images.len(), theirs.parse().unwrap(), ours, "");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, image] = arguments.as_slice()
        && mode == "--read"
    {
        return read_image(Path::new(image));
    }
    let folder = tempfile::tempdir().unwrap();
    if Command::new("qemu-img").arg("--version").output().is_err() {
        return println!("SKIPPED: qemu-img is absent, which makes most of the images");
    }
    let images = images(&templates(folder.path()), folder.path());
    let begin = Instant::now();
    for image in &images {
        read_image(&image.path);
    }
    let all = begin.elapsed().as_secs_f64() * 1e3;
    println!(
        "{IMAGES} images of {} kinds: {all:.1} ms in one process",
        OF_QEMU.len() + 5
    );
    println!("| tool | images that it reads | it, each | here, each | times as fast | as a process |");
    println!("|---|---|---|---|---|---|");
    let of = |extensions: &[&str]| -> Vec<Image> {
        let is_one = |image: &&Image| {
            extensions
                .iter()
                .any(|one| image.path.extension().is_some_and(|own| own == *one))
        };
        images.iter().filter(is_one).cloned().collect()
    };
    compare_processes("qemu-img info", "qemu-img", &["info", "-U", "--output=json"], &images);
    compare_processes("vmdkinfo (libvmdk)", "vmdkinfo", &[], &of(&["vmdk"]));
    compare_processes("vhdiinfo (libvhdi)", "vhdiinfo", &[], &of(&["vhd", "vhdx"]));
    compare_with_dissect(&images, &folder.path().join("list"));
}
