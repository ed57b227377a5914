use plotters::style::RGBColor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bars::Bars,
    canvas::{Align, Canvas, HEIGHT, Ink, Unpaintable, WIDTH, paint},
    profile::Profile,
    sizes::{self, EDGES, human},
};

const WHITE: RGBColor = RGBColor(255, 255, 255);
const BLACK: RGBColor = RGBColor(34, 34, 34);
const GREY: RGBColor = RGBColor(110, 110, 110);
const RULE: RGBColor = RGBColor(225, 225, 225);
/// Paul Tol's blue, which people with any kind of colour vision tell from the grey.
const BLUE: RGBColor = RGBColor(68, 119, 170);
const PALE: RGBColor = RGBColor(187, 187, 187);

const TITLE: Ink = Ink(28, BLACK);
const SUBTITLE: Ink = Ink(18, GREY);
const LABEL: Ink = Ink(17, BLACK);
const TICK: Ink = Ink(15, GREY);

/// The sheet's margins.
const LEFT: i32 = 32;
const RIGHT: i32 = WIDTH as i32 - 32;
const TOP: i32 = 104;
const BOTTOM: i32 = HEIGHT as i32 - 56;

/// Ranges of sizes that are always shown, so that packages can be compared: up to 1 GB.
const LEAST_RANGES: usize = 9;

/// Which chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plot {
    /// Bytes by file type.
    SizeByType,
    /// Bytes by folder.
    SizeByFolder,
    /// Files by size.
    FilesBySize,
}

impl Plot {
    /// Every chart.
    pub const ALL: [Plot; 3] = [Plot::SizeByType, Plot::SizeByFolder, Plot::FilesBySize];

    /// For programs and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Plot::SizeByType => "size_by_type",
            Plot::SizeByFolder => "size_by_folder",
            Plot::FilesBySize => "files_by_size",
        }
    }
}

/// What the length of a bar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Bytes.
    Bytes,
    /// The number of files.
    Files,
}

/// A picture and the data behind it.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Which one.
    pub plot: Plot,
    /// What its bars measure.
    pub measure: Measure,
    /// What it shows.
    pub data: Bars,
    /// The file: PNG, 900 × 560 pixels, some 20 kB.
    pub png: Vec<u8>,
}

/// A chart of a package.
///
/// # Errors
/// A fault of ours.
pub fn chart(profile: &Profile, plot: Plot) -> Result<Chart, Unpaintable> {
    let total = profile.total;
    let subtitle = format!("{}, {}", sizes::files(total.files), human(total.bytes));
    let (measure, data) = match plot {
        Plot::SizeByType => (Measure::Bytes, profile.by_type()),
        Plot::SizeByFolder => (Measure::Bytes, profile.by_folder()),
        Plot::FilesBySize => (Measure::Files, profile.by_size()),
    };
    let png = paint(|canvas| match measure {
        Measure::Bytes => lying_bars(canvas, &data, &subtitle),
        Measure::Files => columns(canvas, &data, &subtitle),
    })?;
    Ok(Chart { plot, measure, data, png })
}

fn head(canvas: &Canvas<'_>, title: &str, subtitle: &str) -> Result<(), Unpaintable> {
    canvas.text(title, (LEFT, 38), TITLE, Align::Left)?;
    canvas.text(subtitle, (LEFT, 70), SUBTITLE, Align::Left)
}

fn nothing(canvas: &Canvas<'_>) -> Result<(), Unpaintable> {
    let middle = (WIDTH as i32 / 2, HEIGHT as i32 / 2);
    canvas.text("The package has no files.", middle, SUBTITLE, Align::Centre)
}

/// Bars from left to right, with labels of any length in front of them.
fn lying_bars(canvas: &Canvas<'_>, data: &Bars, subtitle: &str) -> Result<(), Unpaintable> {
    head(canvas, &data.title, subtitle)?;
    let mut rows: Vec<(String, u64, u64, RGBColor)> =
        data.rows.iter().map(|b| (b.label.clone(), b.bytes, b.files, BLUE)).collect();
    if let Some(other) = &data.other {
        let label = format!("{} others", sizes::count(other.groups));
        rows.push((label, other.bytes, other.files, PALE));
    }
    if rows.is_empty() {
        return nothing(canvas);
    }
    let most = rows.iter().map(|row| row.1).max().unwrap_or_default().max(1);
    let mut label_room = 0;
    let mut value_room = 0;
    let value = |bytes, files| format!("{}, {}", human(bytes), sizes::files(files));
    for (label, bytes, files, _) in &mut rows {
        *label = canvas.fitting(label, LABEL, 250)?;
        label_room = label_room.max(canvas.width(label, LABEL)?);
        value_room = value_room.max(canvas.width(&value(*bytes, *files), TICK)?);
    }
    let from = LEFT + label_room + 14;
    let to = RIGHT - value_room - 12;
    let count = i32::try_from(rows.len()).unwrap_or(1).max(1);
    let step = ((BOTTOM - TOP) / count).min(64);
    let bottom = TOP + step * count + 6;
    for tick in ticks(most) {
        let x = from + length(tick, most, to - from);
        canvas.line((x, TOP - 6), (x, bottom), RULE)?;
        canvas.text(&human(tick), (x, bottom + 14), TICK, Align::Centre)?;
    }
    let mut y = TOP + step / 2;
    for (label, bytes, files, colour) in &rows {
        let half = step * 3 / 10;
        let end = from + length(*bytes, most, to - from);
        let value = value(*bytes, *files);
        let width = canvas.width(&value, TICK)?;
        // No line of the grid behind a text.
        canvas.fill((end + 6, y - 8), (end + 14 + width, y + 8), WHITE)?;
        canvas.text(label, (from - 14, y), LABEL, Align::Right)?;
        canvas.fill((from, y - half), (end, y + half), *colour)?;
        canvas.text(&value, (end + 10, y), TICK, Align::Left)?;
        y += step;
    }
    canvas.line((from, TOP - 6), (from, bottom), GREY)
}

/// Columns over an axis of sizes, the empty files apart.
fn columns(canvas: &Canvas<'_>, data: &Bars, subtitle: &str) -> Result<(), Unpaintable> {
    head(canvas, &data.title, subtitle)?;
    if data.rows.is_empty() {
        return nothing(canvas);
    }
    let counts: Vec<u64> = data.rows.iter().map(|bar| bar.files).collect();
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let ranges = counts.len().max(LEAST_RANGES);
    let (top, bottom) = (TOP + 20, BOTTOM - 10);
    let from = LEFT + canvas.width(&sizes::count(most), TICK)? + 14;
    for tick in ticks(most) {
        let y = bottom - length(tick, most, bottom - top);
        canvas.line((from, y), (RIGHT, y), RULE)?;
        canvas.text(&sizes::count(tick), (from - 10, y), TICK, Align::Right)?;
    }
    let gap = 26;
    let step = (RIGHT - from - gap) / i32::try_from(ranges).unwrap_or(1).max(1);
    let left = |range: usize| {
        let gap = if range == 0 { 0 } else { gap };
        from + gap + step * i32::try_from(range).unwrap_or_default()
    };
    for (range, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (x, y) = (left(range), bottom - length(*count, most, bottom - top));
        let colour = if range == 0 { PALE } else { BLUE };
        canvas.fill((x + 2, y), (x + step - 2, bottom), colour)?;
        canvas.text(&sizes::count(*count), (x + step / 2, y - 12), TICK, Align::Centre)?;
    }
    canvas.line((from, bottom), (RIGHT, bottom), GREY)?;
    canvas.text("empty", (left(0) + step / 2, bottom + 18), TICK, Align::Centre)?;
    for (range, (_, name)) in EDGES.iter().enumerate().take(ranges + 1).skip(1) {
        canvas.line((left(range), bottom), (left(range), bottom + 5), GREY)?;
        canvas.text(name, (left(range), bottom + 18), TICK, Align::Centre)?;
    }
    let middle = i32::midpoint(from, RIGHT);
    canvas.text("size of a file", (middle, bottom + 44), TICK, Align::Centre)
}

/// How long a bar is; what there is at all is seen.
fn length(value: u64, most: u64, room: i32) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    let share = value as f64 / most as f64;
    #[expect(clippy::cast_possible_truncation, reason = "at most the room")]
    let pixels = (share * f64::from(room)).round() as i32;
    if value > 0 { pixels.max(2) } else { 0 }
}

/// Round numbers from 0 up to the largest, at most six.
fn ticks(most: u64) -> Vec<u64> {
    let mut step: u64 = 1;
    let factors = [2, 5, 10];
    let mut decade: u64 = 1;
    let mut at = 0;
    while most / step > 5 {
        let Some(factor) = factors.get(at) else { break };
        step = decade.saturating_mul(*factor);
        at = (at + 1) % factors.len();
        if at == 0 {
            decade = decade.saturating_mul(10);
        }
    }
    (0..=most / step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Width, height and pixels of a PNG.
    fn decode(file: &[u8]) -> (u32, u32, Vec<[u8; 3]>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        let pixels = pixels.chunks(3).map(|p| [p[0], p[1], p[2]]).collect();
        (info.width, info.height, pixels)
    }

    fn profile() -> Profile {
        let types = ["fastq.gz", "bam", "csv", "png", "ipynb", "md", "json", "h5"];
        let entry = |n: u64| {
            let kind = types[(n % 8) as usize];
            (format!("run{}/sample{n}.{kind}", n % 5), n * n * 1_000 % 70_000_000)
        };
        Profile::of((0..500).map(entry))
    }

    fn charts(profile: &Profile) -> Vec<Chart> {
        Plot::ALL.iter().map(|plot| chart(profile, *plot).unwrap()).collect()
    }

    /// How many pixels have nearly this colour.
    fn pixels_of(pixels: &[[u8; 3]], RGBColor(r, g, b): RGBColor) -> usize {
        pixels.iter().filter(|p| **p == [r, g, b]).count()
    }

    #[test]
    fn three_pictures_with_bars_and_text() {
        let charts = charts(&profile());
        let names: Vec<_> = charts.iter().map(|c| c.plot.name()).collect();
        assert_eq!(names, ["size_by_type", "size_by_folder", "files_by_size"]);
        let mut seen = HashSet::new();
        for chart in &charts {
            assert!(chart.png.len() < 100_000, "{}: {} bytes", chart.plot.name(), chart.png.len());
            let (width, height, pixels) = decode(&chart.png);
            assert_eq!((width, height), (WIDTH, HEIGHT));
            let colours: HashSet<_> = pixels.iter().collect();
            assert!(colours.len() > 30, "smooth text has many shades: {}", colours.len());
            assert!(pixels_of(&pixels, BLUE) > 5_000, "{}: bars", chart.plot.name());
            let dark = pixels[..(WIDTH * 56) as usize].iter().filter(|p| p[0] < 80).count();
            assert!(dark > 300, "{}: a title is drawn, {dark} dark pixels", chart.plot.name());
            assert!(seen.insert(chart.png.clone()), "each is another picture");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let charts = charts(&Profile::of([("a.csv", 1_000_000), ("b.png", 250_000)]));
        let (_, _, pixels) = decode(&charts[0].png);
        let widest = |rows: std::ops::Range<usize>| {
            let row = |y: usize| pixels_of(&pixels[y * 900..(y + 1) * 900], BLUE);
            rows.map(row).max().unwrap()
        };
        let (first, second) = (widest(104..168), widest(168..232));
        assert!(first > 300 && first.abs_diff(second * 4) < 8, "{first} and {second}");
    }

    #[test]
    fn any_package_can_be_drawn() {
        let none: [(&str, u64); 0] = [];
        for profile in [
            Profile::of(none),
            Profile::of([("x", 0)]),
            Profile::of([("x", u64::MAX), ("y", u64::MAX)]),
            Profile::of([("日本語/\n\u{202e}データ.csv", 1)]),
            Profile::of((0..20_000).map(|n| (format!("{}/{n}.t{n}", "long ".repeat(50)), n << 24))),
        ] {
            for chart in charts(&profile) {
                let (width, height, _) = decode(&chart.png);
                assert_eq!((width, height), (WIDTH, HEIGHT));
                assert!(chart.png.len() < 100_000);
            }
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(7), [0, 2, 4, 6]);
        assert_eq!(ticks(1_000), [0, 200, 400, 600, 800, 1000]);
        assert_eq!(ticks(36_000_000), [0, 10_000_000, 20_000_000, 30_000_000]);
        assert!((2..=6).contains(&ticks(u64::MAX).len()));
    }
}
