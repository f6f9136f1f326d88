#![no_main]
derelict_parsers_fuzz::target!("vmdk_tables");
