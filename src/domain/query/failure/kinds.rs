//! Athena's numbers: the user guide's "Athena error catalog".

use super::Class;

/// The class of an `ErrorType`, where the number says one. `1000` (user error) and such as may mean
/// anything say none. `1006` is called a syntax error there, but Hive's refusals carry it too
/// (a table that is not there), so the text is read first.
pub(super) const fn class(kind: i32) -> Option<Class> {
    Some(match kind {
        // 206 and 210 are time-outs; 0 to 8 are "exhausted resources at this scale factor".
        0..=8 | 206 | 210 => Class::Resources,
        // 240 is "failed to submit query"; 1700 and 1701 are Lake Formation's and Glue's own errors.
        100 | 200..=205 | 207..=233 | 235..=237 | 239 | 240 | 300..=303 | 400 => Class::Internal,
        1010 | 1012 | 1013 | 1102 | 1104 | 1105 | 1304 | 1305 | 1308 | 1700 | 1701 | 9999 => {
            Class::Internal
        }
        234 | 1500 | 1501 => Class::AccessDenied,
        238 | 401 | 402 => Class::Output,
        1001 | 1002 | 1004 | 1005 | 1007 | 1106 | 1109 | 1302 | 1306 => Class::Data,
        1006 | 1107 | 1200 | 1202 => Class::Syntax,
        1011 | 1014 => Class::Cancelled,
        1110 => Class::NoSuchTable,
        1108 | 1303 => Class::NoSuchFunction,
        // 1402 is "too many table versions in Glue", which waiting does not mend.
        1400 | 1401 | 1403..=1406 | 1602 => Class::Throttled,
        _ => return None,
    })
}

/// The class of an `ErrorCategory` alone: 1 is the system's fault, 2 the user's, 3 another's.
pub(super) fn of_category(category: Option<i32>) -> Option<Class> {
    (category == Some(1)).then_some(Class::Internal)
}
