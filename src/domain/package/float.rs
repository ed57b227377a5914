//! Floats as CPython prints them.

/// A float as CPython's `repr` prints it: the shortest digits that read back to it (of two that are
/// equally near the even one, which `ryu` gives and Rust's own formatting does not), fixed from 1e-4 to
/// below 1e16, else with an exponent of two digits at least.
pub(super) fn float_repr(float: f64) -> String {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(float);
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => ("-", text),
        None => ("", text),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.bytes().take_while(|b| *b == b'0').count();
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    // Where the point stands behind the first digit.
    let to_i32 = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let point = to_i32(whole.len()) - 1 - to_i32(leading) + exponent;
    format!("{sign}{}", placed(digits, point))
}

/// Digits with a point behind the first one moved by `point`.
fn placed(digits: &str, point: i32) -> String {
    let (first, others) = digits.split_at(1.min(digits.len()));
    if !(-4..16).contains(&point) {
        let dot = if others.is_empty() { "" } else { "." };
        let sign = if point < 0 { '-' } else { '+' };
        return format!("{first}{dot}{others}e{sign}{:02}", point.unsigned_abs());
    }
    let shift = usize::try_from(point.unsigned_abs()).unwrap_or(0);
    if point < 0 {
        return format!("0.{}{digits}", "0".repeat(shift - 1));
    }
    match digits.split_at_checked(shift + 1) {
        Some((whole, "")) => format!("{whole}.0"),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits}{}.0", "0".repeat(shift + 1 - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_as_cpython_prints_them() {
        for (text, printed) in [
            ("2.5", "2.5"),
            ("1e5", "100000.0"),
            ("1E-5", "1e-05"),
            ("1e-4", "0.0001"),
            ("0.00012345", "0.00012345"),
            ("1e15", "1000000000000000.0"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("5e-324", "5e-324"),
            ("-0.0", "-0.0"),
            ("0.0", "0.0"),
            ("93748758287411.625", "93748758287411.62"),
            ("123456789012345680.0", "1.2345678901234568e+17"),
            ("100.0", "100.0"),
            ("-12.75", "-12.75"),
        ] {
            assert_eq!(float_repr(text.parse().unwrap()), printed);
        }
    }
}
