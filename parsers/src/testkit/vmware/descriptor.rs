//! Text descriptors.

use uuid::Uuid;

use super::text::uuid_text;

/// A descriptor as ESXi writes it.
#[derive(Debug, Clone)]
pub struct DescriptorBuilder {
    version: u32,
    encoding: Option<String>,
    cid: u32,
    parent_cid: u32,
    create_type: String,
    header: Vec<(String, String)>,
    extents: Vec<String>,
    ddb: Vec<(String, String)>,
}

impl DescriptorBuilder {
    /// A base disk of any createType, without extents.
    pub fn new(create_type: &str, cid: u32) -> Self {
        Self {
            version: 1,
            encoding: Some("UTF-8".to_owned()),
            cid,
            parent_cid: u32::MAX,
            create_type: create_type.to_owned(),
            header: Vec::new(),
            extents: Vec::new(),
            ddb: Vec::new(),
        }
    }

    /// A flat disk of a datastore: `<stem>.vmdk` with `<stem>-flat.vmdk`.
    pub fn vmfs(stem: &str, sectors: u64, cid: u32, disk: Uuid) -> Self {
        Self::new("vmfs", cid)
            .extent(&format!("RW {sectors} VMFS \"{stem}-flat.vmdk\""))
            .ddb("adapterType", "lsilogic")
            .ddb("thinProvisioned", "1")
            .ddb("uuid", &uuid_text(disk))
            .ddb("virtualHWVersion", "19")
    }

    /// A raw device map: `<stem>.vmdk` with `<stem>-rdm.vmdk`.
    pub fn rdm(stem: &str, sectors: u64, cid: u32) -> Self {
        Self::new("vmfsRawDeviceMap", cid).extent(&format!("RW {sectors} VMFSRDM \"{stem}-rdm.vmdk\""))
    }

    /// A snapshot link with a COWD delta: `<stem>.vmdk` with `<stem>-delta.vmdk`.
    pub fn cowd_link(stem: &str, sectors: u64, cid: u32, parent: &str, parent_cid: u32) -> Self {
        Self::new("vmfsSparse", cid)
            .parent(parent, parent_cid)
            .extent(&format!("RW {sectors} VMFSSPARSE \"{stem}-delta.vmdk\""))
    }

    /// A snapshot link with a seSparse delta: `<stem>.vmdk` with `<stem>-sesparse.vmdk`.
    pub fn sesparse_link(stem: &str, sectors: u64, cid: u32, parent: &str, parent_cid: u32) -> Self {
        Self::new("seSparse", cid)
            .parent(parent, parent_cid)
            .extent(&format!("RW {sectors} SESPARSE \"{stem}-sesparse.vmdk\""))
            .ddb("grain", "8")
    }

    /// A split sparse disk: `<stem>.vmdk` with `<stem>-s001.vmdk` …, one of each size.
    pub fn split_sparse(stem: &str, sectors: &[u64], cid: u32) -> Self {
        let mut builder = Self::new("twoGbMaxExtentSparse", cid);
        for (index, size) in sectors.iter().enumerate() {
            builder = builder.extent(&format!("RW {size} SPARSE \"{stem}-s{:03}.vmdk\"", index + 1));
        }
        builder
    }

    /// The descriptor that stands inside a sparse file.
    pub fn embedded(create_type: &str, file: &str, sectors: u64, cid: u32) -> Self {
        let access = if create_type == "streamOptimized" {
            "RDONLY"
        } else {
            "RW"
        };
        Self::new(create_type, cid)
            .extent(&format!("{access} {sectors} SPARSE \"{file}\""))
            .ddb("adapterType", "lsilogic")
    }

    /// Makes it a child.
    #[must_use]
    pub fn parent(mut self, hint: &str, parent_cid: u32) -> Self {
        self.parent_cid = parent_cid;
        self.header("parentFileNameHint", hint)
    }

    /// The parentCID alone, without a hint.
    #[must_use]
    pub fn parent_cid(mut self, parent_cid: u32) -> Self {
        self.parent_cid = parent_cid;
        self
    }

    /// Another charset than UTF-8; `None` leaves the line out. The text is encoded by whoever builds.
    #[must_use]
    pub fn encoding(mut self, encoding: Option<&str>) -> Self {
        self.encoding = encoding.map(ToOwned::to_owned);
        self
    }

    /// A change tracking file; the version becomes 3.
    #[must_use]
    pub fn change_tracking(mut self, file: &str) -> Self {
        self.version = 3;
        self.header("changeTrackPath", file)
    }

    /// Another quoted line of the header.
    #[must_use]
    pub fn header(mut self, key: &str, value: &str) -> Self {
        self.header.push((key.to_owned(), value.to_owned()));
        self
    }

    /// A line of the disk database, without `ddb.`.
    #[must_use]
    pub fn ddb(mut self, key: &str, value: &str) -> Self {
        self.ddb.push((key.to_owned(), value.to_owned()));
        self
    }

    /// An extent line as it is.
    #[must_use]
    pub fn extent(mut self, line: &str) -> Self {
        self.extents.push(line.to_owned());
        self
    }

    /// The text. `ddb.longContentID` ends with the CID, as in files that VMware wrote.
    pub fn text(&self) -> String {
        let mut lines = vec!["# Disk DescriptorFile".to_owned(), format!("version={}", self.version)];
        lines.extend(self.encoding.iter().map(|encoding| format!("encoding=\"{encoding}\"")));
        lines.push(format!("CID={:08x}", self.cid));
        lines.push(format!("parentCID={:08x}", self.parent_cid));
        lines.push(format!("createType=\"{}\"", self.create_type));
        lines.extend(self.header.iter().map(|(key, value)| format!("{key}=\"{value}\"")));
        lines.extend([String::new(), "# Extent description".to_owned()]);
        lines.extend(self.extents.iter().cloned());
        lines.extend(["", "# The Disk Data Base ", "#DDB", ""].map(ToOwned::to_owned));
        lines.extend(self.ddb.iter().map(|(key, value)| format!("ddb.{key} = \"{value}\"")));
        lines.push(format!(
            "ddb.longContentID = \"0123456789abcdef01234567{:08x}\"",
            self.cid
        ));
        lines.join("\n") + "\n"
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        self.text().into_bytes()
    }
}
