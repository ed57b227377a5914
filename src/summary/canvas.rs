//! Where charts are drawn: text, boxes and lines on a bitmap, and its PNG.
//!
//! The font is embedded, because a container has none: no fontconfig, no freetype, no files.

use std::sync::OnceLock;

use plotters::{
    backend::BitMapBackend,
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea},
    element::{PathElement, Rectangle},
    style::{
        Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Pixels from left to right.
pub const WIDTH: u32 = 900;

/// Pixels from top to bottom.
pub const HEIGHT: u32 = 560;

/// Its licence is in the same folder.
static FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

const FONT_NAME: &str = "summary";

/// A picture could not be drawn. This is a fault of ours, whatever the package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the picture could not be drawn: {0}")]
pub struct Unpaintable(String);

/// Where a text stands relative to its point; vertically it is centred.
#[derive(Clone, Copy, Debug)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// A text's looks: its height in pixels and its colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink(pub u32, pub RGBColor);

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// A white sheet; pixels count from the upper left corner.
pub(super) struct Canvas<'a>(Area<'a>);

/// Draws a picture and makes a PNG of it.
pub(super) fn paint(
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), Unpaintable>,
) -> Result<Vec<u8>, Unpaintable> {
    font()?;
    let mut pixels = vec![255; (WIDTH * HEIGHT * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (WIDTH, HEIGHT)).into_drawing_area();
        let canvas = Canvas(area);
        draw(&canvas)?;
        canvas.0.present().map_err(unpaintable)?;
    }
    png(&pixels).map_err(unpaintable)
}

fn png(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

/// Tells plotters of the font, once per process.
fn font() -> Result<(), Unpaintable> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let known = KNOWN.get_or_init(|| register_font(FONT_NAME, FontStyle::Normal, FONT).is_ok());
    if *known { Ok(()) } else { Err(Unpaintable("the font is broken".to_owned())) }
}

fn unpaintable(why: impl std::fmt::Display) -> Unpaintable {
    Unpaintable(why.to_string())
}

impl Canvas<'_> {
    /// A text on one line.
    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        ink: Ink,
        align: Align,
    ) -> Result<(), Unpaintable> {
        let h_pos = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = style(ink).pos(Pos::new(h_pos, VPos::Center));
        self.0.draw_text(text, &style, at).map_err(unpaintable)
    }

    /// How wide a text is, in pixels.
    pub(super) fn width(&self, text: &str, ink: Ink) -> Result<i32, Unpaintable> {
        let (width, _) = self.0.estimate_text_size(text, &style(ink)).map_err(unpaintable)?;
        Ok(i32::try_from(width).unwrap_or(i32::MAX))
    }

    /// The text, or what of it fits into so many pixels, its middle left out.
    pub(super) fn fitting(&self, text: &str, ink: Ink, room: i32) -> Result<String, Unpaintable> {
        let mut characters = text.chars().count();
        let mut fitting = super::bars::cut(text, characters);
        while characters > 3 && self.width(&fitting, ink)? > room {
            characters -= 1;
            fitting = super::bars::cut(text, characters);
        }
        Ok(fitting)
    }

    /// A filled box between two corners.
    pub(super) fn fill(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: RGBColor,
    ) -> Result<(), Unpaintable> {
        self.0.draw(&Rectangle::new([from, to], colour.filled())).map_err(unpaintable)
    }

    /// A straight line.
    pub(super) fn line(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: RGBColor,
    ) -> Result<(), Unpaintable> {
        self.0.draw(&PathElement::new(vec![from, to], colour)).map_err(unpaintable)
    }
}

fn style(Ink(height, colour): Ink) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::Name(FONT_NAME), f64::from(height), FontStyle::Normal);
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }
}
