//! BIOS and EFI variables: `.nvram`. Only the signature is read; nothing in the file names another.

/// Signature at the start of the file, as seen in files of BIOS and EFI VMs.
const MAGIC: &[u8] = b"MRVN";

/// True when a file begins like the variables of a VM.
pub fn is_nvram(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_tells() {
        assert!(is_nvram(b"MRVN\x02\x00"));
        assert!(!is_nvram(b"MRV"));
    }
}
