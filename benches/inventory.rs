//! Import of a large estate, 10,000 VMs with 40,000 disks, as an RVTools workbook and as JSON of govc, against the
//! libraries that read the bytes alone: calamine and `serde_json`. Read the ratios, not the seconds. With
//! `PEAK=import-xlsx|calamine|import-json|serde-json` it does that once and prints the peak of the memory.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]
#![expect(clippy::print_stdout, reason = "the peak of the memory is what it is asked for")]

use std::{
    fs,
    hint::black_box,
    io::BufReader,
    path::{Path, PathBuf},
};

use calamine::{Reader, Xlsx};
use criterion::{Criterion, criterion_group};
use derelict::inventory::{InventoryArgument, import};
use serde_json::json;

const VMS: usize = 10_000;
const DISKS: usize = 4;

/// A workbook with vInfo and vDisk.
fn workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("vInfo").unwrap();
    let header = [
        "VM",
        "Powerstate",
        "Template",
        "Connection state",
        "Disks",
        "Path",
        "Host",
        "VM ID",
        "VM UUID",
        "VI SDK Server",
    ];
    sheet.write_row(0, 0, header).unwrap();
    for (row, vm) in (1..).zip(0..VMS) {
        let (path, host, moref) = (
            format!("[ds{}] vm {vm}/vm {vm}.vmx", vm % 40),
            format!("esx{}", vm % 64),
            format!("vm-{vm}"),
        );
        let id = format!("50310000-0000-0000-0000-{vm:012}");
        let name = format!("vm {vm}");
        let cells = [
            name.as_str(),
            "poweredOn",
            "False",
            "connected",
            "4",
            &path,
            &host,
            &moref,
            &id,
            "vc",
        ];
        sheet.write_row(row, 0, cells).unwrap();
    }
    let sheet = book.add_worksheet();
    sheet.set_name("vDisk").unwrap();
    sheet
        .write_row(
            0,
            0,
            [
                "VM",
                "Disk",
                "Disk Mode",
                "Path",
                "Capacity MiB",
                "VM ID",
                "VI SDK Server",
            ],
        )
        .unwrap();
    for (row, disk) in (1..).zip(0..VMS * DISKS) {
        let vm = disk / DISKS;
        let path = format!("[ds{}] vm {vm}/vm {vm}_{}.vmdk", vm % 40, disk % DISKS);
        let (name, moref) = (format!("vm {vm}"), format!("vm-{vm}"));
        sheet
            .write_row(
                row,
                0,
                [name.as_str(), "Hard disk", "persistent", &path, "40960", &moref, "vc"],
            )
            .unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// The same as `govc object.collect` writes it, with the layout of each VM.
fn collected() -> String {
    let objects = (0..VMS).map(|vm| {
        let folder = format!("[ds{}] vm {vm}", vm % 40);
        let disks: Vec<_> = (0..DISKS).map(|disk| format!("{folder}/vm {vm}_{disk}.vmdk")).collect();
        let devices: Vec<_> = disks
            .iter()
            .map(|path| json!({"key": 2000, "capacityInKB": 41_943_040, "backing": {"fileName": path}}))
            .collect();
        let files: Vec<_> = disks
            .iter()
            .map(|path| json!({"name": path, "type": "diskDescriptor", "size": 512}))
            .collect();
        let change = |name: &str, value: serde_json::Value| json!({"name": name, "op": "assign", "val": value});
        json!({"kind": "enter", "obj": {"type": "VirtualMachine", "value": format!("vm-{vm}")}, "changeSet": [
            change("name", json!(format!("vm {vm}"))),
            change("config.files", json!({"vmPathName": format!("{folder}/vm {vm}.vmx")})),
            change("config.hardware.device", json!({"_value": devices})),
            change("layoutEx", json!({"file": files, "timestamp": "2026-11-22T08:33:37Z"})),
        ]})
        .to_string()
    });
    objects.collect::<Vec<_>>().join("\n")
}

/// The exports, made once in the folder of the build.
fn exports() -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inventory-bench");
    fs::create_dir_all(&folder).unwrap();
    let (xlsx, json) = (folder.join("rv.xlsx"), folder.join("vms.json"));
    if !xlsx.is_file() {
        fs::write(&xlsx, workbook()).unwrap();
    }
    if !json.is_file() {
        fs::write(&json, collected()).unwrap();
    }
    (xlsx, json)
}

fn derelict(path: &Path) -> usize {
    let imported = import(&[InventoryArgument::from(path.to_path_buf())]);
    let [inventory] = imported.inventories.as_slice() else {
        return 0;
    };
    assert_eq!(inventory.vms.len(), VMS);
    inventory.vms.iter().map(|vm| vm.files.len()).sum()
}

/// The cells of both sheets, read by the library alone.
fn cells(path: &Path) -> usize {
    let mut book = Xlsx::new(BufReader::new(fs::File::open(path).unwrap())).unwrap();
    ["vInfo", "vDisk"]
        .iter()
        .map(|sheet| book.worksheet_range(sheet).unwrap().used_cells().count())
        .sum()
}

/// The documents, read by the library alone.
fn documents(path: &Path) -> usize {
    let reader = BufReader::new(fs::File::open(path).unwrap());
    let stream = serde_json::Deserializer::from_reader(reader).into_iter::<serde_json::Value>();
    stream.map(Result::unwrap).collect::<Vec<_>>().len()
}

fn bench(criterion: &mut Criterion) {
    let (xlsx, json) = exports();
    let mut group = criterion.benchmark_group("10,000 VMs, 40,000 disks");
    group.sample_size(10);
    group.bench_function("RVTools workbook, derelict", |b| b.iter(|| black_box(derelict(&xlsx))));
    group.bench_function("RVTools workbook, calamine alone", |b| {
        b.iter(|| black_box(cells(&xlsx)));
    });
    group.bench_function("govc JSON, derelict", |b| b.iter(|| black_box(derelict(&json))));
    group.bench_function("govc JSON, serde_json alone", |b| {
        b.iter(|| black_box(documents(&json)));
    });
    group.finish();
}

/// Does one thing once and prints the peak of the memory, as Linux tells it.
fn peak(what: &str) {
    let (xlsx, json) = exports();
    let done = match what {
        "import-xlsx" => derelict(&xlsx),
        "calamine" => cells(&xlsx),
        "import-json" => derelict(&json),
        "serde-json" => documents(&json),
        _ => 0,
    };
    let status = fs::File::open("/proc/self/status").map(std::io::read_to_string);
    let status = status.and_then(|text| text).unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("unknown")
        .to_owned();
    println!("{what}: {done} read, {peak}");
}

criterion_group!(benches, bench);

fn main() {
    match std::env::var("PEAK") {
        Ok(what) => peak(&what),
        Err(_) => benches(),
    }
}
