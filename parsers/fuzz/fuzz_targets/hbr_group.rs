#![no_main]
derelict_parsers_fuzz::target!("hbr_group");
