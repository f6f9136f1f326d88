//! The report: one model, many faces.

pub mod codes;
pub mod model;
