//! Variables with our prefix that nobody reads: a typing error would otherwise be a default.

use super::problem::Problem;
use super::reader::Reader;
use super::table;

const PREFIX: &str = "QUILT_MCP_";

/// Whether a name claims to be one of ours, in any case of letters.
pub(super) fn is_ours(name: &str) -> bool {
    name.to_ascii_uppercase().starts_with(PREFIX)
}

/// A problem for every variable that begins with our prefix and is not in the table.
pub(super) fn find(reader: &mut Reader) {
    for name in reader.names() {
        if is_ours(&name) && table::find(&name).is_none() {
            let hint = match nearest(&name) {
                Some(known) => format!("did you mean {known}?"),
                None => "unset it;".to_owned(),
            };
            let message =
                format!("is not a variable of this server; {hint} docs/CONFIG.md lists them all");
            reader.add(Problem { variable: name.into(), message });
        }
    }
}

/// The known name that has the same end, or else the one with the fewest edits, if it is near
/// enough to be meant. The first finds `QUILT_MCP_JWT_SECRET`, whose real name has another prefix.
fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let known = || table::TABLE.iter().map(|variable| variable.name());
    let end = upper.strip_prefix(PREFIX).map(|rest| format!("_{rest}"))?;
    if let Some(same_end) = known().find(|known| known.ends_with(&end)) {
        return Some(same_end);
    }
    let (edits, best) = known().map(|known| (distance(&upper, known), known)).min()?;
    // Our prefix always agrees, so only the rest tells how near it is.
    let rest = best.len().saturating_sub(PREFIX.len());
    (edits <= (rest / 3).max(2)).then_some(best)
}

/// Levenshtein's edit distance, row by row.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for (y, pair) in b.bytes().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances() {
        for (a, b, edits) in
            [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn suggestions() {
        for (name, meant) in [
            ("QUILT_MCP_ADR", Some("QUILT_MCP_ADDR")),
            ("QUILT_MCP_READONLY", Some("QUILT_MCP_READ_ONLY")),
            ("quilt_mcp_addr", Some("QUILT_MCP_ADDR")),
            ("QUILT_MCP_TOOLSET", Some("QUILT_MCP_TOOLSETS")),
            ("QUILT_MCP_JWT_ISSUR", Some("QUILT_MCP_JWT_ISSUER")),
            ("QUILT_MCP_JWT_SECRET", Some("MCP_ENHANCED_JWT_SECRET")),
            ("QUILT_MCP_REGISTRY_URL", Some("QUILT_REGISTRY_URL")),
            ("QUILT_MCP_COFFEE_MACHINE", None),
            ("QUILT_MCP_", None),
        ] {
            assert_eq!(nearest(name), meant, "{name}");
        }
    }
}
