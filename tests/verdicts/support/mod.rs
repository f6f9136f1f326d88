//! Makes a site in a temporary folder, judges it, and says in words what was expected and what came out.

mod catalogue;
mod exports;
mod judged;
mod parts;
mod site;
mod views;

pub(crate) use self::{
    exports::{
        Export, checkpoint, config_only, grants, hyperv_host, hyperv_row, inventory, listed, listed_backup, row,
        row_of, vcenter,
    },
    judged::Judged,
    parts::{SECTORS, TAKEN, at, child, cid, descriptor, hyperv_vm, vhdx, vm_id, vmcx_path, vmx},
    site::Site,
};
