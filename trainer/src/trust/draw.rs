//! Drawings that are no brain MRI.

use image::{Rgb, RgbImage};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Draws a picture.
type Draw = fn(&mut ChaCha8Rng) -> RgbImage;

/// The kinds that need no slices.
pub(super) const DRAWN: [(&str, Draw); 11] = [
    ("noise", noise),
    ("noise_colour", noise_colour),
    ("clouds", clouds),
    ("text", text),
    ("screenshot", screenshot),
    ("landscape", landscape),
    ("landscape_grey", |rng| grey(landscape(rng))),
    ("face", face),
    ("face_grey", |rng| grey(face(rng))),
    ("gradient", gradient),
    ("pattern", pattern),
];

const WIDTH: u32 = 200;
const HEIGHT: u32 = 160;

fn canvas(colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(WIDTH, HEIGHT, Rgb(colour))
}

fn any_colour(rng: &mut ChaCha8Rng) -> [u8; 3] {
    std::array::from_fn(|_| rng.random())
}

fn mix(a: [u8; 3], b: [u8; 3], t: f32) -> [u8; 3] {
    let t = t.clamp(0.0, 1.0);
    std::array::from_fn(|i| (f32::from(a[i]) * (1.0 - t) + f32::from(b[i]) * t) as u8)
}

fn shade(colour: [u8; 3], factor: f32) -> [u8; 3] {
    colour.map(|v| (f32::from(v) * factor).clamp(0.0, 255.0) as u8)
}

fn rectangle(picture: &mut RgbImage, [x, y, width, height]: [u32; 4], colour: [u8; 3]) {
    for row in y..(y + height).min(picture.height()) {
        for column in x..(x + width).min(picture.width()) {
            picture.put_pixel(column, row, Rgb(colour));
        }
    }
}

fn ellipse(picture: &mut RgbImage, centre: [f32; 2], radii: [f32; 2], colour: [u8; 3]) {
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (u, v) = (
            (x as f32 - centre[0]) / radii[0],
            (y as f32 - centre[1]) / radii[1],
        );
        let distance = u * u + v * v;
        if distance < 1.0 {
            // Lit from the upper left.
            let light = 1.0 - 0.25 * distance - 0.12 * (u + v);
            *pixel = Rgb(shade(colour, light));
        }
    }
}

/// Smooth random values in about -1..=1, `octaves` layers of half the size each.
struct Field {
    grids: Vec<(usize, Vec<f32>)>,
}

impl Field {
    fn new(rng: &mut ChaCha8Rng, cells: usize, octaves: usize) -> Self {
        let grids = (0..octaves)
            .map(|octave| {
                let side = (cells << octave) + 2;
                let values = (0..side * side).map(|_| rng.random_range(-1.0..1.0));
                (side, values.collect())
            })
            .collect();
        Self { grids }
    }

    /// The value at a point in 0..1.
    fn at(&self, x: f32, y: f32) -> f32 {
        let mut sum = 0.0;
        for (octave, (side, grid)) in self.grids.iter().enumerate() {
            let cells = (side - 2) as f32;
            let (u, v) = (x.clamp(0.0, 0.999) * cells, y.clamp(0.0, 0.999) * cells);
            let (i, j) = (u as usize, v as usize);
            let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
            let (fu, fv) = (smooth(u - i as f32), smooth(v - j as f32));
            let value = |i: usize, j: usize| grid[j * side + i];
            let top = value(i, j) * (1.0 - fu) + value(i + 1, j) * fu;
            let bottom = value(i, j + 1) * (1.0 - fu) + value(i + 1, j + 1) * fu;
            sum += (top * (1.0 - fv) + bottom * fv) / (1 << octave) as f32;
        }
        sum
    }
}

fn noise(rng: &mut ChaCha8Rng) -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |_, _| Rgb([rng.random::<u8>(); 3]))
}

fn noise_colour(rng: &mut ChaCha8Rng) -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |_, _| Rgb(any_colour(rng)))
}

fn clouds(rng: &mut ChaCha8Rng) -> RgbImage {
    let cells = rng.random_range(3..8);
    let field = Field::new(rng, cells, 4);
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let value = field.at(x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32);
        Rgb([(127.0 + 90.0 * value).clamp(0.0, 255.0) as u8; 3])
    })
}

/// Letters of 3 x 5 dots, row by row from the top.
const LETTERS: [u16; 20] = [
    0b010_101_111_101_101,
    0b110_101_110_101_110,
    0b011_100_100_100_011,
    0b110_101_101_101_110,
    0b111_100_110_100_111,
    0b111_100_110_100_100,
    0b101_101_111_101_101,
    0b111_010_010_010_111,
    0b101_101_110_101_101,
    0b100_100_100_100_111,
    0b101_111_111_101_101,
    0b111_101_101_101_111,
    0b110_101_110_100_100,
    0b110_101_110_101_101,
    0b011_100_010_001_110,
    0b111_010_010_010_010,
    0b101_101_101_101_111,
    0b101_101_101_101_010,
    0b101_101_010_101_101,
    0b111_001_010_100_111,
];

/// Lines of words in a rectangle.
fn write_lines(
    picture: &mut RgbImage,
    [left, top, width, height]: [u32; 4],
    dot: u32,
    colour: [u8; 3],
    rng: &mut ChaCha8Rng,
) {
    let mut y = top;
    while y + 5 * dot < top + height {
        let mut x = left;
        let end = left + (width as f32 * rng.random_range(0.5..1.0)) as u32;
        while x + 3 * dot < end {
            if rng.random_bool(0.82) {
                let letter = LETTERS[rng.random_range(0..LETTERS.len())];
                for index in 0..15u32 {
                    if letter >> (14 - index) & 1 == 1 {
                        let place = [x + index % 3 * dot, y + index / 3 * dot, dot, dot];
                        rectangle(picture, place, colour);
                    }
                }
            }
            x += 4 * dot;
        }
        y += 8 * dot;
    }
}

fn text(rng: &mut ChaCha8Rng) -> RgbImage {
    let (paper, ink) = if rng.random_bool(0.75) {
        (rng.random_range(225..=255), rng.random_range(0..60))
    } else {
        (rng.random_range(0..40), rng.random_range(190..=255))
    };
    let mut picture = canvas([paper; 3]);
    let dot = rng.random_range(1..=3);
    let margin = rng.random_range(6..24);
    let area = [margin, margin, WIDTH - 2 * margin, HEIGHT - 2 * margin];
    write_lines(&mut picture, area, dot, [ink; 3], rng);
    picture
}

fn screenshot(rng: &mut ChaCha8Rng) -> RgbImage {
    let dark = rng.random_bool(0.4);
    let base = if dark { 30 } else { 240 };
    let ink = if dark { [210; 3] } else { [40; 3] };
    let accent = any_colour(rng);
    let mut picture = canvas([base; 3]);
    rectangle(&mut picture, [0, 0, WIDTH, 14], mix(accent, [base; 3], 0.3));
    let side = rng.random_range(30..60);
    rectangle(
        &mut picture,
        [0, 14, side, HEIGHT],
        mix([base; 3], [128; 3], 0.15),
    );
    write_lines(&mut picture, [4, 20, side - 6, HEIGHT - 24], 1, ink, rng);
    for _ in 0..rng.random_range(2..6) {
        let place = [
            side + rng.random_range(6..60),
            rng.random_range(20..110),
            rng.random_range(25..80),
            rng.random_range(12..50),
        ];
        let colour = if rng.random_bool(0.5) {
            any_colour(rng)
        } else {
            [base ^ 24; 3]
        };
        rectangle(&mut picture, place, colour);
        let inner = [place[0] + 3, place[1] + 3, place[2] - 6, place[3] - 6];
        write_lines(&mut picture, inner, 1, ink, rng);
    }
    picture
}

fn landscape(rng: &mut ChaCha8Rng) -> RgbImage {
    let sky = mix([70, 130, 220], [250, 170, 110], rng.random());
    let horizon = mix(sky, [255; 3], 0.6);
    let near = mix([40, 110, 40], [150, 120, 60], rng.random());
    let far = mix(near, horizon, 0.6);
    let cloud = Field::new(rng, 5, 4);
    let ground = Field::new(rng, 12, 4);
    let hills: Vec<(f32, f32, f32)> = (0..3)
        .map(|layer| {
            let height = 0.4 + 0.17 * layer as f32 + rng.random_range(-0.05..0.05);
            (
                height,
                rng.random_range(2.0..7.0),
                rng.random_range(0.0..6.0),
            )
        })
        .collect();
    let sun = [rng.random_range(0.1..0.9), rng.random_range(0.08..0.3)];
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (u, v) = (x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32);
        let mut colour = mix(sky, horizon, v * 1.8);
        colour = mix(
            colour,
            [255; 3],
            (cloud.at(u, v * 1.5) * 1.2).max(0.0) * 0.8,
        );
        if (u - sun[0]).hypot((v - sun[1]) * 0.8) < 0.05 {
            colour = [255, 244, 200];
        }
        for (layer, &(height, waves, phase)) in hills.iter().enumerate() {
            let line = height + 0.06 * (u * waves + phase).sin() + 0.03 * ground.at(u, 0.1);
            if v > line {
                let light = 1.0 + 0.35 * ground.at(u, v);
                colour = shade(mix(far, near, layer as f32 / 2.0), light);
            }
        }
        Rgb(colour)
    })
}

fn face(rng: &mut ChaCha8Rng) -> RgbImage {
    let skin = mix([245, 205, 175], [95, 60, 40], rng.random());
    let hair = mix([30, 20, 15], [200, 160, 90], rng.random());
    let behind = any_colour(rng);
    let field = Field::new(rng, 4, 3);
    let mut picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let value = field.at(x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32);
        Rgb(shade(behind, 0.8 + 0.35 * value))
    });
    let size = rng.random_range(0.75..1.1);
    let centre = [
        WIDTH as f32 * rng.random_range(0.4..0.6),
        HEIGHT as f32 * rng.random_range(0.42..0.52),
    ];
    let at = |dx: f32, dy: f32| [centre[0] + dx * size, centre[1] + dy * size];
    let r = |a: f32, b: f32| [a * size, b * size];
    ellipse(&mut picture, at(0.0, 110.0), r(80.0, 50.0), any_colour(rng));
    ellipse(&mut picture, at(0.0, -12.0), r(48.0, 58.0), hair);
    ellipse(
        &mut picture,
        at(0.0, 48.0),
        r(17.0, 30.0),
        shade(skin, 0.85),
    );
    ellipse(&mut picture, at(0.0, 6.0), r(39.0, 50.0), skin);
    let eye = any_colour(rng);
    for side in [-1.0, 1.0] {
        ellipse(
            &mut picture,
            at(15.0 * side, -4.0),
            r(8.0, 4.5),
            [245, 245, 245],
        );
        ellipse(
            &mut picture,
            at(15.0 * side, -4.0),
            r(3.8, 3.8),
            shade(eye, 0.7),
        );
        ellipse(&mut picture, at(15.0 * side, -4.0), r(1.8, 1.8), [10; 3]);
        ellipse(&mut picture, at(15.0 * side, -14.0), r(9.0, 2.0), hair);
    }
    ellipse(&mut picture, at(0.0, 12.0), r(5.0, 9.0), shade(skin, 0.9));
    ellipse(
        &mut picture,
        at(0.0, 31.0),
        r(13.0, 4.0),
        mix(skin, [180, 30, 50], 0.6),
    );
    picture
}

fn gradient(rng: &mut ChaCha8Rng) -> RgbImage {
    let (a, b) = if rng.random_bool(0.5) {
        (any_colour(rng), any_colour(rng))
    } else {
        ([rng.random(); 3], [rng.random(); 3])
    };
    let angle: f32 = rng.random_range(0.0..std::f32::consts::TAU);
    let radial = rng.random_bool(0.3);
    let (sin, cos) = angle.sin_cos();
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (u, v) = (
            x as f32 / WIDTH as f32 - 0.5,
            y as f32 / HEIGHT as f32 - 0.5,
        );
        let t = if radial {
            1.5 * u.hypot(v)
        } else {
            0.5 + u * cos + v * sin
        };
        Rgb(mix(a, b, t))
    })
}

/// Stripes, checks, rings or dots.
fn pattern(rng: &mut ChaCha8Rng) -> RgbImage {
    let (a, b) = (any_colour(rng), any_colour(rng));
    let kind = rng.random_range(0..4);
    let period = rng.random_range(6.0..40.0);
    let (sin, cos) = rng.random_range(0.0..3.2f32).sin_cos();
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (
            x as f32 - WIDTH as f32 / 2.0,
            y as f32 - HEIGHT as f32 / 2.0,
        );
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let wave = |t: f32| (t * std::f32::consts::TAU / period).sin();
        let on = match kind {
            0 => wave(u) > 0.0,
            1 => wave(u) * wave(v) > 0.0,
            2 => wave(x.hypot(y)) > 0.0,
            _ => wave(u) + wave(v) > 1.1,
        };
        Rgb(if on { a } else { b })
    })
}

fn grey(mut picture: RgbImage) -> RgbImage {
    for pixel in picture.pixels_mut() {
        let [r, g, b] = pixel.0.map(f32::from);
        *pixel = Rgb([(0.2126 * r + 0.7152 * g + 0.0722 * b) as u8; 3]);
    }
    picture
}
