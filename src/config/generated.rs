//! `env.example` and `docs/CONFIG.md`, written from the table.

use super::table::{Section, TABLE, Variable};

const WIDTH: usize = 98;

/// The text of `env.example`: every variable, commented out, with an example.
pub fn env_example() -> String {
    let mut text = String::from(
        "# The environment of quilt-mcp-server. Generated from src/config/table/rows.rs by\n\
         # `cargo run -- generate`. Copy it, and remove the `#` before the variables that you set;\n\
         # `quilt-mcp-server check-config` tells whether the result is valid.\n",
    );
    for section in Section::ALL {
        let title = section.title();
        text.push_str(&format!("\n# {title}\n# {}\n", "-".repeat(title.len())));
        for variable in of(*section) {
            text.push('\n');
            let secret = if variable.is_secret() { " Secret." } else { "" };
            let about = format!("{}{secret} Default: {}.", variable.meaning(), variable.absence());
            text.push_str(&wrapped(&about));
            text.push_str(&format!("#{}={}\n", variable.name(), variable.example()));
        }
    }
    text
}

/// The text of `docs/CONFIG.md`: a table of variables per section.
pub fn config_md() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         <!-- Generated from src/config/table/rows.rs by `cargo run -- generate`; do not edit. -->\n\n\
         Everything is set by environment variables; `env.example` has them as a file to copy. An\n\
         empty value is the same as none. Lists are separated by commas. Switches take\n\
         `true`/`false`, `1`/`0`, `yes`/`no` or `on`/`off`. A variable that begins with\n\
         `QUILT_MCP_` and is not listed here keeps the server from starting, so that a typing error\n\
         cannot pass for a default. There is no default secret.\n\n\
         `quilt-mcp-server check-config` reports every problem, one line each, and prints the\n\
         configuration that took effect with secrets as `******`.\n",
    );
    for section in Section::ALL {
        text.push_str(&format!("\n## {}\n\n", section.title()));
        text.push_str("| Variable | Default | Meaning | Example |\n|---|---|---|---|\n");
        for variable in of(*section) {
            let default = match variable.default_value() {
                Some(value) => format!("`{value}`"),
                None => variable.absence().to_owned(),
            };
            let secret = if variable.is_secret() { " **Secret.**" } else { "" };
            let example = match variable.example() {
                "" => "from `openssl rand -base64 48`".to_owned(),
                example => format!("`{example}`"),
            };
            let cells = [default, format!("{}{secret}", variable.meaning()), example];
            let cells = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
            text.push_str(&format!("| `{}` | {cells} |\n", variable.name()));
        }
    }
    text
}

fn of(section: Section) -> impl Iterator<Item = &'static Variable> {
    TABLE.iter().copied().filter(move |variable| variable.section() == section)
}

/// Comment lines that break between words.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::from("#"));
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}
