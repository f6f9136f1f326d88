//! `-i [KIND:]FILE`: what the user typed.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use super::InventoryKind;

/// One export, or a folder of exports, that the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryArgument {
    /// Set when the user named the kind; otherwise it is found from the content.
    pub kind: Option<InventoryKind>,
    /// A file or a folder.
    pub path: PathBuf,
}

impl FromStr for InventoryArgument {
    type Err = Infallible;

    /// `KIND:` counts only when it is one of the known kinds, so `C:\exports` and `vc1:/exports` stay paths.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let forced = text
            .split_once(':')
            .and_then(|(kind, path)| Some((InventoryKind::from_name(kind)?, path)));
        Ok(match forced {
            Some((kind, path)) => Self {
                kind: Some(kind),
                path: path.into(),
            },
            None => Self {
                kind: None,
                path: text.into(),
            },
        })
    }
}

impl From<PathBuf> for InventoryArgument {
    fn from(path: PathBuf) -> Self {
        Self { kind: None, path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> InventoryArgument {
        let Ok(argument) = text.parse();
        argument
    }

    #[test]
    fn a_known_kind_counts() {
        let argument = parse("hyperv-json:a.txt");
        assert_eq!(argument.kind, Some(InventoryKind::HypervJson));
        assert_eq!(argument.path, PathBuf::from("a.txt"));
        let argument = parse("rvtools-csv:D:\\x.csv");
        assert_eq!(argument.kind, Some(InventoryKind::RvtoolsCsv));
        assert_eq!(argument.path, PathBuf::from("D:\\x.csv"));
    }

    #[test]
    fn anything_else_before_a_colon_is_part_of_the_path() {
        for path in ["C:\\exports", "vc1:exports", "a.json"] {
            let argument = parse(path);
            assert_eq!((argument.kind, argument.path), (None, PathBuf::from(path)));
        }
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in InventoryKind::ALL {
            assert_eq!(InventoryKind::from_name(kind.name()), Some(kind));
        }
    }
}
