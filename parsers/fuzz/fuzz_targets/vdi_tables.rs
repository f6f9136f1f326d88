#![no_main]
derelict_parsers_fuzz::target!("vdi_tables");
