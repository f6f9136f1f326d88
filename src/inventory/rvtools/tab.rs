//! Which tab a sheet or CSV file is: by the name of the sheet where it is known, by its header where not.

use crate::inventory::table::{Column, Table, column};

/// A tab of RVTools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::inventory) enum Tab {
    /// The VMs.
    Info,
    /// Their disks as attached now.
    Disk,
    /// Their snapshots.
    Snapshot,
    /// Their CD drives.
    Cd,
    /// Files on the datastores, when that was asked for.
    FileInfo,
    /// Datastores.
    Datastore,
    /// Hosts.
    Host,
    /// The vCenter.
    Source,
    /// RVTools itself: version and time.
    MetaData,
    /// RVTools' own findings.
    Health,
    /// A tab that is not read.
    Other,
}

/// The tabs of RVTools 3 and 4 that are not read.
const OTHER_TABS: [&str; 22] = [
    "vcpu",
    "vmemory",
    "vpartition",
    "vnetwork",
    "vusb",
    "vfloppy",
    "vtools",
    "vrp",
    "vcluster",
    "vhba",
    "vnic",
    "vswitch",
    "vport",
    "dvswitch",
    "dvport",
    "vsc_vmk",
    "vsc+vmk",
    "vmultipath",
    "vlicense",
    "vtag",
    "vvideo",
    "vcustomattributes",
];

const VM: Column = column(&["vm", "vmname"]);
const PATH: Column = column(&["path"]);

impl Tab {
    /// The tabs that are read.
    const READ: [Self; 10] = [
        Self::Info,
        Self::Disk,
        Self::Snapshot,
        Self::Cd,
        Self::FileInfo,
        Self::Datastore,
        Self::Host,
        Self::Source,
        Self::MetaData,
        Self::Health,
    ];

    /// Its name in RVTools, with which internal column names begin.
    pub(in crate::inventory) fn name(self) -> &'static str {
        match self {
            Self::Info => "vInfo",
            Self::Disk => "vDisk",
            Self::Snapshot => "vSnapshot",
            Self::Cd => "vCD",
            Self::FileInfo => "vFileInfo",
            Self::Datastore => "vDatastore",
            Self::Host => "vHost",
            Self::Source => "vSource",
            Self::MetaData => "vMetaData",
            Self::Health => "vHealth",
            Self::Other => "another tab",
        }
    }

    /// The tab of a sheet (`vInfo`, `tabvInfo`) or file (`RVTools_tabvInfo.csv`).
    pub(in crate::inventory) fn of_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_suffix(".csv").unwrap_or(&name);
        let name = name.strip_prefix("rvtools_").unwrap_or(name);
        let name = name.strip_prefix("tab").unwrap_or(name);
        let read = Self::READ.into_iter().find(|tab| tab.name().eq_ignore_ascii_case(name));
        read.or_else(|| OTHER_TABS.contains(&name).then_some(Self::Other))
    }

    /// The tab with such a header.
    pub(in crate::inventory) fn of_table(table: &Table) -> Option<Self> {
        let read = Self::READ.into_iter().find(|tab| tab.fits(table));
        let has = |names| table.find(column(names), "").is_some();
        let other = has(&["vm"]) && has(&["powerstate"]) && has(&["visdkserver", "host"]);
        read.or_else(|| other.then_some(Self::Other))
    }

    /// Its table holds lines of which none is the header: the columns are missing that say what a row is of.
    pub(super) fn lacks_header(self, table: &Table) -> bool {
        let has = |names| table.find(column(names), self.name()).is_some();
        let names_rows = match self {
            Self::Info | Self::Disk | Self::Snapshot | Self::Cd => {
                table.find(VM, self.name()).is_some() || has(&["vmid", "vmref"])
            }
            Self::Datastore => has(&["name"]),
            Self::Host => has(&["host", "name"]),
            Self::FileInfo | Self::Source | Self::MetaData | Self::Health | Self::Other => true,
        };
        !names_rows && !table.header.is_empty()
    }

    /// The columns that this tab has and no other.
    pub(super) fn fits(self, table: &Table) -> bool {
        let has = |names| table.find(column(names), self.name()).is_some();
        let vm = table.find(VM, self.name()).is_some();
        let counts_vms = has(&["#vmstotal", "#vms"]);
        match self {
            Self::Info => {
                let path = table.find(PATH, self.name()).is_some();
                vm && !Self::Disk.fits(table)
                    && (path
                        || has(&["connectionstate"])
                        || has(&["srmplaceholder"]) && has(&["dnsname", "guesthostname"]))
            }
            Self::Disk => {
                let names_disks = has(&["disk"]) && table.find(PATH, self.name()).is_some();
                vm && (names_disks || has(&["diskmode", "mode"]) || has(&["rawlunid"]) || has(&["rawcompmode"]))
            }
            // `Get-HardDisk` has a file name too.
            Self::Snapshot => {
                vm && has(&["filename"]) && !has(&["diskmode"]) && !has(&["capacitygb", "storageformat", "disktype"])
            }
            Self::Cd => vm && has(&["devicetype"]) && has(&["startsconnected", "connected"]),
            Self::FileInfo => has(&["friendlypathname"]),
            Self::Datastore => {
                let of_powercli = has(&["id"]) || has(&["uuid"]) || has(&["capacitygb", "datastorebrowserpath"]);
                !vm && has(&["name"]) && (has(&["url"]) && !of_powercli || counts_vms && has(&["type"]))
            }
            Self::Host => !vm && has(&["host", "name"]) && counts_vms && !Self::Datastore.fits(table),
            Self::Source => has(&["fullname"]) && has(&["apiversion"]),
            Self::MetaData => has(&["xlsxcreationdatetime"]),
            Self::Health => has(&["message"]) && has(&["messagetype"]),
            Self::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::csv_table;

    #[test]
    fn names_of_sheets_and_files_are_known() {
        assert_eq!(Tab::of_name("vInfo"), Some(Tab::Info));
        assert_eq!(Tab::of_name("tabvDisk"), Some(Tab::Disk));
        assert_eq!(Tab::of_name("RVTools_tabvCD.csv"), Some(Tab::Cd));
        assert_eq!(Tab::of_name("vSC+VMK"), Some(Tab::Other));
        assert_eq!(Tab::of_name("Sheet1"), None);
    }

    #[test]
    fn a_header_tells_the_tab() {
        for (header, tab) in [
            ("VM,Powerstate,Template,Path,VM ID", Some(Tab::Info)),
            ("VM,Powerstate,Connection state,Host", Some(Tab::Info)),
            ("vInfoVMName,vInfoPath", Some(Tab::Info)),
            ("VM,Disk,Disk Mode,Path", Some(Tab::Disk)),
            ("VM,Disk,Path,Host,VM ID", Some(Tab::Disk)),
            ("VM,Powerstate,Disks,Path,VM ID", Some(Tab::Info)),
            ("vDiskVMName,vDiskMode,vDiskCapacityMiB", Some(Tab::Disk)),
            ("VM,Name,Date / time,Filename,State", Some(Tab::Snapshot)),
            ("VM,Device Node,Connected,Device Type", Some(Tab::Cd)),
            ("Name,Type,# VMs total,# VMs,Hosts,URL", Some(Tab::Datastore)),
            ("Name,Type,# VMs total,VI SDK Server", Some(Tab::Datastore)),
            ("Name,Type,URL,Object ID", Some(Tab::Datastore)),
            ("Name,Id,Type,State,Url,Uuid,Hosts", None),
            ("Name,Type,CapacityGB,FreeSpaceGB,Url", None),
            ("Host,Datacenter,# VMs total,# VMs", Some(Tab::Host)),
            ("Friendly Path Name,File Name,Path", Some(Tab::FileInfo)),
            ("RVTools version,xlsx creation datetime,Server", Some(Tab::MetaData)),
            ("Name,Message,Message type", Some(Tab::Health)),
            ("VM,Powerstate,CPUs,Sockets,Host", Some(Tab::Other)),
            ("name,cost", None),
        ] {
            assert_eq!(Tab::of_table(&csv_table::parse(header)), tab, "{header}");
        }
    }
}
