//! Packages on the tour: two are made, compared, looked into and drawn.

use serde_json::{Value, json};

use super::{Tour, entries, text};
use crate::demo::{client::Client, running::StartError};

pub(super) async fn packages(
    tour: &mut Tour<'_>,
    client: &Client,
    bucket: &str,
) -> Result<(), StartError> {
    tour.heading("Packages: what she writes, quilt3 reads and verifies")?;
    let of = |name: &str, more: Value| {
        let mut arguments = json!({"package_name": name, "registry": bucket});
        if let (Some(all), Value::Object(more)) = (arguments.as_object_mut(), more) {
            all.extend(more);
        }
        arguments
    };
    let kinetics = of(
        "lab/kinetics",
        json!({
            "s3_uris": [format!("s3://{bucket}/measurements/"), format!("s3://{bucket}/images/")],
            "readme": "# Kinetics\n\nPlate reader runs of 2026.\n",
            "metadata": {"instrument": "plate reader", "temperature_c": 37.0},
            "message": "first runs",
        }),
    );
    let made = client.call("package_create", kinetics).await?;
    let keys = entries(made.structured(), "/entries", "logical_key");
    tour.works("package_create", &made, &keys.join(", "))?;

    let plates = of(
        "lab/plates",
        json!({"source_bucket": format!("s3://{bucket}/plates/"), "copy_mode": "none"}),
    );
    let plates = client.call("package_create_from_s3", plates).await?;
    let total = plates.structured().pointer("/total_entries").cloned().unwrap_or_default();
    let made_files = "with a README and a summary of its own";
    tour.works("package_create_from_s3", &plates, &format!("{total} entries, {made_files}"))?;

    let change =
        json!({"remove": ["images/"], "metadata": {"checked": true}, "message": "no pictures"});
    let second = client.call("package_update", of("lab/kinetics", change)).await?;
    let hash: String = text(second.structured(), "/top_hash").chars().take(12).collect();
    tour.works("package_update", &second, &format!("revision {hash}…"))?;

    let seen = client.call("package_browse", of("lab/kinetics", json!({"view": "folder"}))).await?;
    let folders = entries(seen.structured(), "/folders", "path");
    let files = entries(seen.structured(), "/entries", "logical_key");
    tour.works("package_browse", &seen, &[folders, files].concat().join(", "))?;

    let first = text(made.structured(), "/top_hash");
    let diff = json!({"package1_name": "lab/kinetics", "package1_hash": first, "registry": bucket});
    let diff = client.call("package_diff", diff).await?;
    let removed = entries(diff.structured(), "/removed", "logical_key");
    tour.works("package_diff", &diff, &format!("removed: {}", removed.join(", ")))?;

    let checked = json!({"verify_hashes": true});
    let checked = client.call("package_validate", of("lab/kinetics", checked)).await?;
    let valid = checked.structured().pointer("/valid").cloned().unwrap_or_default();
    tour.works("package_validate", &checked, &format!("every hash read again; valid: {valid}"))?;

    let drawn = client.call("generate_package_visualizations", of("lab/plates", json!({}))).await?;
    let names = entries(drawn.structured(), "/visualizations", "file_name");
    tour.works("generate_package_visualizations", &drawn, &names.join(", "))
}
