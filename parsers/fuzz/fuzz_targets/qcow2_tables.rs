#![no_main]
derelict_parsers_fuzz::target!("qcow2_tables");
