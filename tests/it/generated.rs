//! Generated documents are fresh.

use std::path::Path;

#[test]
fn committed_documents_are_what_the_program_generates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in quilt_mcp_server::generated::documents() {
        let committed = std::fs::read_to_string(root.join(&document.path)).unwrap_or_default();
        assert!(
            committed == document.content,
            "{} is stale: run `cargo run -- generate` and commit the result",
            document.path
        );
    }
}

#[test]
fn no_golden_schema_is_left_of_a_tool_that_is_gone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let documents = quilt_mcp_server::generated::documents();
    for file in std::fs::read_dir(folder).unwrap() {
        let name = format!("tests/golden/{}", file.unwrap().file_name().to_str().unwrap());
        assert!(documents.iter().any(|d| d.path == name), "{name} belongs to no tool");
    }
}
