//! Symbolic links of the catalogue: where each leads, as the machine says that has it.

use std::collections::BTreeMap;

use super::files::{below, top_parts, with_slashes};
use crate::{
    catalogue::{Catalogue, RootRecord},
    raw::RawPath,
};

/// Symbolic links whose targets stay inside their root, as root-relative paths.
pub(super) fn links(catalogue: &Catalogue) -> Vec<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut links = vec![BTreeMap::new(); catalogue.roots.len()];
    for special in &catalogue.specials {
        let Some(target) = &special.target else { continue };
        let root = place_of(&catalogue.roots[special.root]);
        let target = with_slashes_of(target, root);
        let (folder, target) = match below_root(&target, root) {
            Some(inside) => (RawPath::default(), inside),
            None if is_absolute(&target) => continue,
            None => (special.path.folder(), target),
        };
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut inside = true;
        for part in folder.parts().chain(target.parts()) {
            match part {
                b"." => {}
                b".." => inside &= parts.pop().is_some(),
                _ => parts.push(part),
            }
        }
        if inside {
            links[special.root].insert(special.path.as_bytes().to_vec(), parts.join(&b'/'));
        }
    }
    links
}

/// Symbolic links whose targets leave their root, with the absolute paths that they point to.
pub(super) fn leaving_links(catalogue: &Catalogue) -> Vec<BTreeMap<Vec<u8>, RawPath>> {
    let mut links = vec![BTreeMap::new(); catalogue.roots.len()];
    for special in &catalogue.specials {
        let Some(target) = &special.target else { continue };
        let root = place_of(&catalogue.roots[special.root]);
        let target = with_slashes_of(target, root);
        let absolute = if is_absolute(&target) {
            target
        } else {
            let top = RawPath::new(with_slashes(root.as_bytes()));
            normal(&top.join(special.path.folder().as_bytes()).join(target.as_bytes()))
        };
        if below(root.as_bytes(), absolute.as_bytes()).is_none() {
            links[special.root].insert(special.path.as_bytes().to_vec(), absolute);
        }
    }
    links
}

/// Where a root lies, for what its machine calls absolute. One that was given from where derelict ran is where its machine
/// says, and one given as `//mnt/ds1` is no share where that is `/mnt/ds1`.
pub(super) fn place_of(root: &RootRecord) -> &RawPath {
    let Some(absolute) = &root.absolute else {
        return &root.path;
    };
    let is_of_unix = matches!(absolute.as_bytes(), [b'/', first, ..] if *first != b'/');
    let is_twofold = is_of_unix && root.path.as_bytes().starts_with(b"//");
    if is_twofold || !is_absolute(&root.path) {
        absolute
    } else {
        &root.path
    }
}

/// An absolute path without `.` and `..`. Nothing lies above a volume of Windows.
fn normal(path: &RawPath) -> RawPath {
    let volume = top_parts(path.as_bytes());
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.parts() {
        match part {
            b".." if parts.len() > volume => drop(parts.pop()),
            b"." | b".." => {}
            _ => parts.push(part),
        }
    }
    let top: &[u8] = match volume {
        0 => b"/",
        1 => b"",
        _ => b"//",
    };
    RawPath::new([top, parts.join(&b'/').as_slice()].concat())
}

/// The target of a link with slashes and its volume, where its root is one of Windows.
fn with_slashes_of(target: &RawPath, root: &RawPath) -> RawPath {
    let root = RawPath::new(with_slashes(root.as_bytes()));
    let volume = top_parts(root.as_bytes());
    if volume == 0 {
        return target.clone();
    }
    let slash = |&byte: &u8| if byte == b'\\' { b'/' } else { byte };
    let target: Vec<u8> = with_slashes(target.as_bytes()).iter().map(slash).collect();
    if target.starts_with(b"//") || !target.starts_with(b"/") || target.starts_with(b"/vmfs/volumes/") {
        return RawPath::new(target);
    }
    // From the top of the volume that the link lies on.
    let top: Vec<&[u8]> = root.parts().take(volume).collect();
    let sign: &[u8] = if volume == 1 { b"" } else { b"//" };
    RawPath::new([sign, &top.join(&b'/'), &target].concat())
}

/// True for a path from the top of a machine, or of a volume of Windows.
pub(super) fn is_absolute(target: &RawPath) -> bool {
    target.as_bytes().starts_with(b"/") || top_parts(target.as_bytes()) > 0
}

/// An absolute target inside the root: below the path at which the root was scanned, or below the volume as the host
/// that wrote the link mounts it, which is taken for the volume that the link lies on.
fn below_root(target: &RawPath, root: &RawPath) -> Option<RawPath> {
    let as_scanned = below(root.as_bytes(), target.as_bytes()).map(RawPath::new);
    as_scanned.or_else(|| {
        let parts: Vec<&[u8]> = target.parts().collect();
        let below = parts.strip_prefix(&[&b"vmfs"[..], &b"volumes"[..]])?.get(1..)?;
        target
            .as_bytes()
            .starts_with(b"/")
            .then(|| RawPath::new(below.join(&b'/')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Special;

    #[test]
    fn a_link_leads_where_the_machine_that_has_it_says() {
        let leads = |root: &str, target: &str| {
            let mut catalogue = Catalogue::new(vec![RootRecord {
                path: root.into(),
                absolute: matches!(root, "//mnt/ds1" | "ds1" | ".").then(|| "/mnt/ds1".into()),
                ..RootRecord::default()
            }]);
            catalogue.specials.push(Special {
                root: 0,
                path: "web/data.vmdk".into(),
                target: Some(target.into()),
            });
            let inside = links(&catalogue)[0].values().next().cloned();
            let outside = leaving_links(&catalogue)[0].values().next().cloned();
            let text = |path: &RawPath| path.lossy().into_owned();
            (inside.map(|path| text(&RawPath::new(path))), outside.as_ref().map(text))
        };
        let is_inside = |root, target| assert_eq!(leads(root, target), (Some("a/b.vmdk".to_owned()), None), "{target}");
        for target in ["../a/b.vmdk", "/mnt/ds1/a/b.vmdk"] {
            is_inside("/mnt/ds1", target);
            is_inside("ds1", target);
            is_inside(".", target);
        }
        for target in [
            r"..\a\b.vmdk",
            r"D:\VMs\a\b.vmdk",
            r"\\?\d:\vms\a\b.vmdk",
            "D:/VMs/a/b.vmdk",
        ] {
            for root in [r"D:\VMs", r"\\?\D:\VMs"] {
                is_inside(root, target);
            }
        }
        // As the standard library reads an absolute link, and as the catalogue of a Windows machine holds it.
        for target in ["//?/D:/VMs/a/b.vmdk", r"\VMs\a\b.vmdk", "/VMs/a/b.vmdk"] {
            for root in ["D:/VMs", "//?/D:/VMs"] {
                is_inside(root, target);
            }
        }
        for target in [
            r"..\a\b.vmdk",
            r"\\nas\vms\site\a\b.vmdk",
            r"\\?\UNC\nas\VMs\site\a\b.vmdk",
            "//?/UNC/nas/vms/site/a/b.vmdk",
            r"\site\a\b.vmdk",
        ] {
            for root in [
                r"\\nas\vms\site",
                "//NAS/vms/site",
                r"\\?\UNC\nas\vms\site",
                "//?/UNC/nas/vms/site",
            ] {
                is_inside(root, target);
            }
        }
        // Elsewhere a stroke is a letter of the name.
        assert_eq!(leads("/mnt/ds1", r"a\b.vmdk"), (Some(r"web/a\b.vmdk".into()), None));
        for (root, target, expected) in [
            ("//nas/vms", r"\\nas\other\b.vmdk", "//nas/other/b.vmdk"),
            (r"\\nas\vms\site", r"..\..\b.vmdk", "//nas/vms/b.vmdk"),
            ("//nas/vms/site", r"..\..\..\..\b.vmdk", "//nas/vms/b.vmdk"),
            ("//nas/vms", r"\\?\D:\b.vmdk", "D:/b.vmdk"),
            (
                r"D:\VMs",
                r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\b.vmdk",
                "//?/Volume{26a21bda-a627-11d7-9931-806e6f6e6963}/b.vmdk",
            ),
            ("/mnt/ds1", "../../ds2/b.vmdk", "/mnt/ds2/b.vmdk"),
            ("/mnt/ds1", "/mnt/ds2/b.vmdk", "/mnt/ds2/b.vmdk"),
            ("//mnt/ds1", "../../ds2/b.vmdk", "/mnt/ds2/b.vmdk"),
            ("ds1", "../../ds2/b.vmdk", "/mnt/ds2/b.vmdk"),
            (r"D:\VMs", r"..\..\Other\b.vmdk", "D:/Other/b.vmdk"),
            (r"D:\VMs", r"E:\Other\b.vmdk", "E:/Other/b.vmdk"),
        ] {
            assert_eq!(leads(root, target), (None, Some(expected.to_owned())), "{target}");
        }
    }
}
