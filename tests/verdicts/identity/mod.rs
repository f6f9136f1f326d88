//! Paths and identity: cases V63 – V73 and H-B1 – H-B10.

mod doubts;
mod first_law;
mod vmware;
mod windows;

use derelict::{
    inventory::{Inventory, InventoryKind},
    kind::Platform,
};

use crate::support::{Export, inventory};

const UUID: &str = "5f1c2d3e-0badc0de-1111-001b21aa0001";
const OTHER: &str = "5f1c2d3e-0badc0de-2222-001b21aa0002";

fn esx(source: &str) -> Inventory {
    inventory(source, Platform::Vmware, InventoryKind::RvtoolsXlsx).host("esx1")
}
