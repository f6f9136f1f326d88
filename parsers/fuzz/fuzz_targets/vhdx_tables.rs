#![no_main]
derelict_parsers_fuzz::target!("vhdx_tables");
