//! Sizes and ages as a user types them.

use nom::{
    IResult, Parser,
    bytes::complete::take_while1,
    character::complete::{char, digit1},
    combinator::{all_consuming, opt, rest},
    sequence::preceded,
};

/// `10GiB`, `1.5 TB`, `4096`: bytes. Binary units count in 1024 (`K`, `M` … alone as well), decimal ones in 1000.
pub(super) fn size(text: &str) -> Option<u64> {
    let (hundredths, unit) = number_and_unit(text)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "p" | "pib" => 1 << 50,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "pb" => 1_000_000_000_000_000,
        _ => return None,
    };
    let bytes = u128::from(hundredths).checked_mul(u128::from(factor))? / 100;
    u64::try_from(bytes).ok()
}

/// `90d`, `12h`, `2w`, `1y`, `30m`: seconds. A year has 365 days.
pub(super) fn age(text: &str) -> Option<i64> {
    let (hundredths, unit) = number_and_unit(text)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        "y" => 31_536_000,
        _ => return None,
    };
    let seconds = hundredths.checked_mul(factor)? / 100;
    i64::try_from(seconds).ok()
}

/// The number in hundredths, and the unit behind it. Digits after the second decimal are refused.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let (_, (whole, decimals, unit)) = parts(text.trim()).ok()?;
    let whole: u64 = whole.parse().ok()?;
    let decimals: u64 = match decimals.unwrap_or("0") {
        tenths if tenths.len() == 1 => tenths.parse::<u64>().ok()?.checked_mul(10)?,
        hundredths if hundredths.len() == 2 => hundredths.parse().ok()?,
        _ => return None,
    };
    let hundredths = whole.checked_mul(100)?.checked_add(decimals)?;
    Some((hundredths, unit.trim_start()))
}

fn parts(input: &str) -> IResult<&str, (&str, Option<&str>, &str)> {
    let decimals = opt(preceded(char('.'), digit1));
    all_consuming((
        take_while1(|character: char| character.is_ascii_digit()),
        decimals,
        rest,
    ))
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("10GiB", 10 << 30),
            ("10g", 10 << 30),
            ("1.5 TiB", 3 << 39),
            ("2MB", 2_000_000),
            ("0.25k", 256),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "GiB",
            "-1",
            "1.GiB",
            "1.234GiB",
            "10XiB",
            "99999999999999999999",
            "17179869184PiB",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn ages_need_a_unit() {
        assert_eq!(age("90d"), Some(90 * 86_400));
        assert_eq!(age("1.5h"), Some(5400));
        assert_eq!(age("1y"), Some(365 * 86_400));
        assert_eq!(age("90"), None);
        assert_eq!(age("9999999999999999999d"), None);
    }
}
