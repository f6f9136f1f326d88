//! Messages for people.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::{ask, is_no_answer};

/// How long somebody may take to read a message.
const PATIENCE: Duration = Duration::from_secs(5);

/// Standard error, which takes no longer than somebody needs to read: the job of one who reads no messages is done all the same,
/// and what is not read is lost.
#[derive(Debug, Default)]
pub struct Messages {
    /// Nobody reads.
    given_up: bool,
}

impl Write for Messages {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        if !self.given_up {
            let message = message.to_owned();
            let told = ask(PATIENCE, move || io::stderr().write_all(&message));
            self.given_up = told.is_err_and(|error| is_no_answer(&error));
        }
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
