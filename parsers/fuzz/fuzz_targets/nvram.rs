#![no_main]
derelict_parsers_fuzz::target!("nvram");
