//! Times of Windows.

use jiff::Timestamp;

/// 100-nanosecond steps since 1601-01-01 UTC; 0 is no time.
pub(crate) fn timestamp(ticks: i64) -> Option<Timestamp> {
    const TICKS_TO_1970: i64 = 116_444_736_000_000_000;
    const TICKS_OF_SECOND: i64 = 10_000_000;
    if ticks <= 0 {
        return None;
    }
    let since_1970 = ticks.checked_sub(TICKS_TO_1970)?;
    let nanoseconds = i32::try_from(since_1970.checked_rem(TICKS_OF_SECOND)?.checked_mul(100)?).ok()?;
    Timestamp::new(since_1970.checked_div(TICKS_OF_SECOND)?, nanoseconds).ok()
}
