#![no_main]
derelict_parsers_fuzz::target!("vhd_tables");
