#![no_main]
derelict_parsers_fuzz::target!("hyperv_config");
