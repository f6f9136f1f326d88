//! What vCenter knows of a site: VMs with their disks, and First Class Disks.

use derelict_parsers::testkit::guid;
use uuid::Uuid;

use crate::plan::Since;

/// A VM as vCenter knows it.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// Its folder in the site, as vCenter knows it.
    pub(crate) folder: String,
    pub(crate) stem: String,
    pub(crate) number: u64,
    pub(crate) template: bool,
    pub(crate) power: &'static str,
    /// Where snapshots and swap go.
    pub(crate) working: String,
    pub(crate) devices: Vec<Device>,
    pub(crate) media: Vec<String>,
    /// Name and state file of each snapshot.
    pub(crate) snapshots: Vec<(String, String)>,
    /// Its files as `layoutEx` lists them.
    pub(crate) listed: Vec<(String, &'static str)>,
    pub(crate) since: Since,
}

/// A disk that is attached.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) path: String,
    pub(crate) raw: bool,
    pub(crate) mode: &'static str,
    pub(crate) id: Uuid,
}

impl Machine {
    pub(crate) fn moref(&self) -> String {
        format!("vm-{}", 1000 + self.number)
    }

    pub(crate) fn instance_id(&self) -> Uuid {
        guid(self.number, 2)
    }

    pub(crate) fn bios_id(&self) -> Uuid {
        guid(self.number, 1)
    }

    /// Its host. What lies on the local datastore is of the first.
    pub(crate) fn host(&self) -> usize {
        let local = self.folder.starts_with("local01/") || self.working.starts_with("local01/");
        let local = local || self.devices.iter().any(|device| device.path.starts_with("local01/"));
        usize::from(!local && self.number.is_multiple_of(2))
    }

    pub(crate) fn config(&self) -> String {
        let extension = if self.template { "vmtx" } else { "vmx" };
        format!("{}/{}.{extension}", self.folder, self.stem)
    }
}

/// A First Class Disk that vCenter lists.
#[derive(Debug, Clone)]
pub(crate) struct FirstClassDisk {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) path: String,
}

/// What vCenter knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) machines: Vec<Machine>,
    pub(crate) disks: Vec<FirstClassDisk>,
}
