use base64::{Engine, engine::general_purpose::STANDARD};

use super::opened::{open, registry};
use crate::{
    domain::package::{PackageName, TopHash},
    packages::sizes::sizes,
    summary::{Bars, Chart, HEIGHT, Measure, Plot, Profile, WIDTH, chart, human},
    tool::Image,
    tools::prelude::*,
};

/// Draw charts of a package (PNG) and return the figures behind them: bytes by file type, bytes by
/// folder, files by size. The pictures follow the result, in the order of `visualizations`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratePackageVisualizations {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// "latest", a top hash or the first 6 or more digits of one, or a timestamp from package_versions.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
    /// Which charts; all of them where this is empty.
    #[serde(default)]
    #[schemars(length(max = 3))]
    charts: Vec<Plot>,
}

/// The figures; the pictures are beside them.
#[derive(Serialize, JsonSchema)]
pub struct Visualized {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    total_entries: u64,
    /// Bytes of the whole package.
    total_size: u64,
    /// The same for people.
    total_size_human: String,
    visualizations: Vec<Visualization>,
    /// Entries that have no size in the manifest, and count as empty.
    #[serde(skip_serializing_if = "is_zero")]
    entries_without_size: u64,
    #[serde(skip)]
    pictures: Vec<Image>,
}

/// One chart.
#[derive(Serialize, JsonSchema)]
pub struct Visualization {
    chart: Plot,
    /// A name for the picture, should it be kept.
    file_name: String,
    /// What the bars measure.
    measure: Measure,
    /// What it shows.
    data: Bars,
    mime_type: &'static str,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    /// Of the picture.
    size: usize,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Tool for GeneratePackageVisualizations {
    const NAME: &'static str = "generate_package_visualizations";
    const TITLE: &'static str = "Draw package";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist.
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Visualized;

    async fn run(self, cx: &Cx) -> Result<Visualized> {
        let bucket = registry(&self.registry)?;
        let plots = plots(&self.charts)?;
        let s3 = cx.s3();
        let opened = open(cx, &s3, bucket, &self.package_name, &self.top_hash, None).await?;
        let index = opened.index.clone();
        let work = move || {
            let (profile, without_size) = sizes(&index, |entries| Profile::of(entries))?;
            let drawn: std::result::Result<Vec<Chart>, _> =
                plots.iter().map(|plot| chart(&profile, *plot)).collect();
            Ok((drawn, without_size))
        };
        let (drawn, entries_without_size) = cx.compute(work).await?;
        let drawn = drawn.map_err(|why| ToolError::internal(why.to_string()))?;
        let pictures = drawn.iter().map(picture).collect();
        Ok(Visualized {
            package_name: self.package_name,
            registry: bucket.to_string(),
            top_hash: opened.hash,
            total_entries: opened.index.entries(),
            total_size: opened.index.size(),
            total_size_human: human(opened.index.size()),
            visualizations: drawn.into_iter().map(visualization).collect(),
            entries_without_size,
            pictures,
        })
    }

    fn images(output: &mut Visualized) -> Vec<Image> {
        std::mem::take(&mut output.pictures)
    }
}

/// Each once, in the order asked for.
fn plots(asked: &[Plot]) -> Result<Vec<Plot>> {
    let mut plots: Vec<Plot> = Vec::new();
    for plot in asked {
        if plots.contains(plot) {
            let why = format!("charts names {} twice", plot.name());
            return Err(ToolError::invalid_arguments(why));
        }
        plots.push(*plot);
    }
    Ok(if plots.is_empty() { Plot::ALL.to_vec() } else { plots })
}

fn picture(chart: &Chart) -> Image {
    Image { mime_type: "image/png", base64: STANDARD.encode(&chart.png) }
}

fn visualization(chart: Chart) -> Visualization {
    Visualization {
        chart: chart.plot,
        file_name: format!("{}.png", chart.plot.name()),
        measure: chart.measure,
        data: chart.data,
        mime_type: "image/png",
        width: WIDTH,
        height: HEIGHT,
        size: chart.png.len(),
    }
}
