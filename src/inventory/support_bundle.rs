//! The folder of an unpacked `vm-support` bundle of one ESXi host: some of its thousands of files say what the host
//! registers and which volume is which. They lie deep in it and are one source.

use std::path::{Path, PathBuf};

/// Files of a bundle that are read (S: their commands; K: the names that the bundle gives their output).
const FILES: [&str; 8] = [
    "etc/vmware/hostd/vmInventory.xml",
    "commands/vim-cmd_vmsvc_getallvms.txt",
    "commands/vim-cmd_hostsvc_datastore_listsummary.txt",
    "commands/localcli_storage-filesystem-list.txt",
    "commands/esxcli_storage-filesystem-list.txt",
    "commands/localcli_vm-process-list.txt",
    "commands/esxcli_vm-process-list.txt",
    "commands/localcli_storage-filesystem-list.xml",
];

/// The files of a bundle that are there, when the folder is one.
pub(super) fn files(folder: &Path) -> Option<Vec<PathBuf>> {
    let is_bundle = folder.join("etc/vmware").is_dir() && folder.join("commands").is_dir();
    let files = FILES.iter().map(|file| folder.join(file));
    is_bundle.then(|| files.filter(|file| file.is_file()).collect())
}
