//! Sample data: small, scientific in looks, and with every kind of key that trips clients up.

use std::fmt::Write as _;

use bytes::Bytes;

use super::athena::RESULTS_BUCKET;
use super::store::{Store, StoreError};

/// A bucket of the demo, as the catalog presents it.
#[derive(Clone, Copy, Debug)]
pub struct SampleBucket {
    /// Bucket name.
    pub name: &'static str,
    /// The catalog's title for it.
    pub title: &'static str,
    /// The catalog's description.
    pub description: &'static str,
}

/// Every bucket of the demo.
pub const BUCKETS: &[SampleBucket] = &[
    SampleBucket {
        name: "quilt-alice-lab",
        title: "Alice's lab",
        description: "Plate reader runs of Alice's enzyme kinetics",
    },
    SampleBucket {
        name: "quilt-bob-lab",
        title: "Bob's lab",
        description: "Growth curves of Bob's yeast strains",
    },
    SampleBucket {
        name: "quilt-shared",
        title: "Shared reference data",
        description: "Protocols and reference measurements for everybody",
    },
];

/// Objects in the folder that is there to page through.
const PLATES: usize = 36;

/// A PNG of one grey pixel.
const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
    0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
];

/// Creates the buckets and an empty one for Athena's results, and fills each with the same kinds of objects, telling of itself.
///
/// # Errors
/// [`StoreError::Full`], which a fresh store is not.
pub(super) fn plant(store: &Store) -> Result<(), StoreError> {
    for bucket in BUCKETS {
        store.create_bucket(bucket.name);
        plant_bucket(store, bucket)?;
    }
    store.create_bucket(RESULTS_BUCKET);
    Ok(())
}

fn plant_bucket(store: &Store, bucket: &SampleBucket) -> Result<(), StoreError> {
    let put = |key: &str, body: Bytes, content_type: &str| {
        store.put(bucket.name, key, body, Some(content_type)).map(drop)
    };
    let SampleBucket { name, title, description } = bucket;
    let readme = format!(
        "# {title}\n\n{description}.\n\n- `measurements/` holds absorbance readings as CSV\n\
         - `plates/` holds one file per well plate\n- `s3://{name}/protocols/` says how\n"
    );
    put("README.md", readme.into(), "text/markdown")?;
    put("measurements/2026-01/absorbance.csv", absorbance(name, 24).into(), "text/csv")?;
    put("measurements/2026-02/absorbance.csv", absorbance(name, 48).into(), "text/csv")?;
    put("measurements/summary.json", summary(name).into(), "application/json")?;
    put("images/gel-01.png", Bytes::from_static(PIXEL), "image/png")?;
    put("protocols/enzyme/assay v2 (µM + controls).md", protocol().into(), "text/markdown")?;
    put("notes/日本語/メモ.txt", "温度は 37 °C に保つ。\n".into(), "text/plain; charset=utf-8")?;
    put("notes/50%_dilution+buffer&salt.txt", "pH 7.4\n".into(), "text/plain")?;
    for plate in 1..=PLATES {
        let body = format!("plate,{plate}\nwells,96\nbucket,{name}\n");
        put(&format!("plates/plate-{plate:03}.csv"), body.into(), "text/csv")?;
    }
    for draft in ["Draft: the blank was not subtracted.\n", "Final: blank subtracted.\n"] {
        put("results/report.txt", draft.into(), "text/plain")?;
    }
    Ok(())
}

/// Readings that rise towards a plateau, the same in every run.
fn absorbance(bucket: &str, rows: u32) -> String {
    let mut csv = "time_s,well,absorbance_405nm,source\n".to_owned();
    for row in 0..rows {
        let time = f64::from(row * 30);
        let reading = 1.2 * time / (time + 240.0);
        let well = row % 8 + 1;
        // Writing into a String cannot fail.
        let _ = writeln!(csv, "{time:.0},A{well:02},{reading:.4},{bucket}");
    }
    csv
}

fn summary(bucket: &str) -> String {
    let value = serde_json::json!({
        "bucket": bucket,
        "instrument": "plate reader 3",
        "runs": [{ "month": "2026-01", "rows": 24 }, { "month": "2026-02", "rows": 48 }],
        "kinetics": { "vmax": 1.2, "km_s": 240.0, "unit": "AU" },
    });
    format!("{value:#}\n")
}

fn protocol() -> String {
    "# Assay, version 2\n\n1. Dilute the substrate to 50 µM.\n2. Add enzyme + buffer.\n\
     3. Read absorbance at 405 nm every 30 s.\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_has_something_of_everything() {
        let store = Store::default();
        plant(&store).expect("room");
        for bucket in BUCKETS {
            let keys = store.keys(bucket.name);
            assert!(keys.iter().filter(|key| key.starts_with("plates/")).count() > 30);
            for kind in [" ", "+", "%", "µ", "日"] {
                assert!(keys.iter().any(|key| key.contains(kind)), "a key with {kind:?}");
            }
            assert_eq!(store.versions(bucket.name, "results/report.txt").len(), 2);
        }
    }
}
