//! What an answer may cost.
//!
//! Some clients give up at 1 MiB, so no answer comes near it. A result goes over the wire twice: as
//! `structuredContent`, and repeated as text, whose quotes and backslashes are escaped once more. One
//! NUL costs thirteen bytes that way.

use serde::Serialize;

/// Bytes for all the entries, or all the text, of one result; what else there is fits into the rest of
/// 900,000.
pub const ROOM: usize = 800_000;

/// Bytes that a text costs.
pub fn cost(text: &str) -> usize {
    text.chars().map(cost_of_char).sum()
}

/// Bytes that a value costs.
pub fn cost_of(value: &impl Serialize) -> usize {
    // What cannot be written costs nothing: the answer fails then.
    let json = serde_json::to_string(value).unwrap_or_default();
    2 * json.len() + json.bytes().filter(|b| matches!(b, b'"' | b'\\')).count()
}

/// How many bytes of the text, from the beginning, cost no more than `room`. It ends between
/// characters.
pub fn fitting(text: &str, mut room: usize) -> usize {
    for (at, c) in text.char_indices() {
        match room.checked_sub(cost_of_char(c)) {
            Some(left) => room = left,
            None => return at,
        }
    }
    text.len()
}

/// Cuts off the entries that cost more than `room` together; the room that is left.
pub fn keep_fitting<T: Serialize>(entries: &mut Vec<T>, mut room: usize) -> usize {
    let mut fit = 0;
    for entry in entries.iter() {
        let Some(left) = room.checked_sub(cost_of(entry) + 2) else { break };
        (room, fit) = (left, fit + 1);
    }
    entries.truncate(fit);
    room
}

fn cost_of_char(c: char) -> usize {
    match c {
        '"' | '\\' => 6,
        '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 5,
        '\0'..='\u{1f}' => 13,
        other => 2 * other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_what_goes_over_the_wire() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let structured = serde_json::json!({"text": c.to_string()});
            let text = serde_json::json!({"text": "", "repeated": structured.to_string()});
            let frame = serde_json::json!({"text": "", "repeated": r#"{"text":""}"#});
            let wire = text.to_string().len() - frame.to_string().len();
            let once = structured.to_string().len() - r#"{"text":""}"#.len();
            assert_eq!(cost(&c.to_string()), wire + once, "{c:?}");
            // The quotes around the text are part of a value.
            assert_eq!(cost_of(&c.to_string()), wire + once + 6, "{c:?}");
        }
    }

    #[test]
    fn entries_are_kept_while_there_is_room() {
        for (room, kept, left) in [(100, 3, 70), (30, 3, 0), (29, 2, 9), (9, 0, 9)] {
            let mut entries = vec!["a", "b", "c"];
            assert_eq!(keep_fitting(&mut entries, room), left, "{room}");
            assert_eq!(entries.len(), kept, "{room}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(fitting("aéb", 100), 4);
        assert_eq!(fitting("aéb", 5), 1);
        assert_eq!(fitting("aéb", 6), 3);
        assert_eq!(fitting("\0\0", 13), 1);
    }
}
