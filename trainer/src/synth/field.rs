//! Plain maths for the phantoms: points, smooth steps, gradient noise and signed distances to smooth outlines.
//!
//! Everything is built from `+ - * /`, `sqrt` and `floor`, which IEEE 754 fixes to the bit, so that a phantom has the
//! same pixels on every platform; the standard library's `sin` and `exp` carry no such promise.

use std::ops::{Add, Mul, Sub};

/// A point or direction in head coordinates: x to the image's right, y down, the frame spans −1..=1 in both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub x: f32,
    pub y: f32,
}

/// Short for a [`Point`].
pub(super) const fn pt(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        pt(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        pt(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        pt(self.x * factor, self.y * factor)
    }
}

impl Point {
    /// Euclidean length.
    pub fn length(self) -> f32 {
        (self.x * self.x + self.y * self.y).sqrt()
    }

    /// The direction, or zero for a point at the origin.
    pub fn unit(self) -> Self {
        self * (1.0 / self.length().max(1e-6))
    }

    /// Rotated by `turns` of a full circle.
    pub fn rotated(self, turns: f32) -> Self {
        let (sin, cos) = (wave(turns), wave(turns + 0.25));
        pt(cos * self.x - sin * self.y, sin * self.x + cos * self.y)
    }

    /// With x made positive: the right half stands for both.
    pub fn folded(self) -> Self {
        pt(self.x.abs(), self.y)
    }
}

/// Sine of `turns` full circles, to about 0.001.
pub(super) fn wave(turns: f32) -> f32 {
    let t = turns - (turns + 0.5).floor();
    let parabola = 8.0 * t - 16.0 * t * t.abs();
    0.225 * (parabola * parabola.abs() - parabola) + parabola
}

/// 0 below `from`, 1 above `to`, smooth between; falls instead when `from > to`.
pub(super) fn step(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// `a` at 0, `b` at 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 1 inside a shape, 0 outside, softened over about two pixels of a 256-pixel frame.
pub(super) fn cover(distance: f32) -> f32 {
    step(0.008, -0.008, distance)
}

/// Signed distance (near the edge) to an ellipse with the given half axes, tilted by `turns`.
pub(super) fn ellipse(p: Point, centre: Point, half: Point, turns: f32) -> f32 {
    let q = (p - centre).rotated(-turns);
    let scaled = pt(q.x / half.x, q.y / half.y);
    (scaled.length() - 1.0) * half.x.min(half.y)
}

/// Distance to the polyline through `points`.
pub(super) fn curve(p: Point, points: &[Point]) -> f32 {
    points
        .windows(2)
        .map(|pair| segment(p, pair[0], pair[1]))
        .fold(f32::MAX, f32::min)
        .sqrt()
}

/// Squared distance to a segment.
fn segment(p: Point, a: Point, b: Point) -> f32 {
    let (ap, ab) = (p - a, b - a);
    let t = ((ap.x * ab.x + ap.y * ab.y) / (ab.x * ab.x + ab.y * ab.y).max(1e-9)).clamp(0.0, 1.0);
    let r = ap - ab * t;
    r.x * r.x + r.y * r.y
}

fn hash(x: i32, y: i32, z: i32, seed: u32) -> u32 {
    let mixed = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ (z as u32).wrapping_mul(0xC2B2_AE3D);
    let h = (mixed ^ seed).wrapping_mul(0x2C1B_3C6D);
    (h ^ (h >> 15)).wrapping_mul(0x297A_2D39)
}

/// The next whole number down; faster than `f32::floor` where that is a library call.
fn floor(x: f32) -> i32 {
    let whole = x as i32;
    whole - i32::from(x < whole as f32)
}

/// Perlin's fifth-degree smooth step on 0..=1.
fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// Gradient noise in the plane: smooth, about −0.7..=0.7, features about one unit wide.
pub(super) fn noise(p: Point, seed: u32) -> f32 {
    let (ix, iy) = (floor(p.x), floor(p.y));
    let (dx, dy) = (p.x - ix as f32, p.y - iy as f32);
    let corner = |cx: i32, cy: i32| {
        let [gx, gy, _] =
            GRADIENTS[(hash(ix.wrapping_add(cx), iy.wrapping_add(cy), 0, seed) >> 28) as usize];
        gx * (dx - cx as f32) + gy * (dy - cy as f32)
    };
    let u = fade(dx);
    mix(
        mix(corner(0, 0), corner(1, 0), u),
        mix(corner(0, 1), corner(1, 1), u),
        fade(dy),
    )
}

/// Middles of a cube's edges; four stand twice to make a round sixteen.
const GRADIENTS: [[f32; 3]; 16] = [
    [1.0, 1.0, 0.0],
    [-1.0, 1.0, 0.0],
    [1.0, -1.0, 0.0],
    [-1.0, -1.0, 0.0],
    [1.0, 0.0, 1.0],
    [-1.0, 0.0, 1.0],
    [1.0, 0.0, -1.0],
    [-1.0, 0.0, -1.0],
    [0.0, 1.0, 1.0],
    [0.0, -1.0, 1.0],
    [0.0, 1.0, -1.0],
    [0.0, -1.0, -1.0],
    [1.0, 1.0, 0.0],
    [-1.0, 1.0, 0.0],
    [0.0, -1.0, 1.0],
    [0.0, -1.0, -1.0],
];

/// Gradient noise in space; `z` is the third coordinate.
pub(super) fn noise3(p: Point, z: f32, seed: u32) -> f32 {
    let (ix, iy, iz) = (floor(p.x), floor(p.y), floor(z));
    let (dx, dy, dz) = (p.x - ix as f32, p.y - iy as f32, z - iz as f32);
    let (u, v, w) = (fade(dx), fade(dy), fade(dz));
    let corner = |cx: i32, cy: i32, cz: i32| {
        let h = hash(
            ix.wrapping_add(cx),
            iy.wrapping_add(cy),
            iz.wrapping_add(cz),
            seed,
        );
        let (x, y, z) = (dx - cx as f32, dy - cy as f32, dz - cz as f32);
        let [gx, gy, gz] = GRADIENTS[(h >> 28) as usize];
        gx * x + gy * y + gz * z
    };
    let layer = |cz: i32| {
        let top = mix(corner(0, 0, cz), corner(1, 0, cz), u);
        let bottom = mix(corner(0, 1, cz), corner(1, 1, cz), u);
        mix(top, bottom, v)
    };
    mix(layer(0), layer(1), w)
}

/// A closed smooth outline and its signed distance (negative inside), tabulated once and interpolated.
pub(super) struct Shape {
    origin: Point,
    step: f32,
    columns: usize,
    rows: usize,
    grid: Vec<f32>,
}

impl Shape {
    /// The Catmull-Rom curve through `points`, closed.
    pub fn smooth(points: &[Point]) -> Self {
        const PIECES: usize = 5;
        let n = points.len();
        let mut outline = Vec::with_capacity(n * PIECES);
        for i in 0..n {
            let [a, b, c, d] = [
                points[(i + n - 1) % n],
                points[i],
                points[(i + 1) % n],
                points[(i + 2) % n],
            ];
            for k in 0..PIECES {
                let t = k as f32 / PIECES as f32;
                let cubic = (b - c) * 3.0 + (d - a);
                let square = a * 2.0 - b * 5.0 + c * 4.0 - d;
                outline
                    .push((b * 2.0 + (c - a) * t + square * (t * t) + cubic * (t * t * t)) * 0.5);
            }
        }
        Self::tabulate(&outline)
    }

    /// As [`Shape::smooth`], with the right half given from top to bottom and mirrored.
    pub fn mirrored(right: &[Point]) -> Self {
        let left = right
            .iter()
            .rev()
            .filter(|p| p.x > 1e-4)
            .map(|p| pt(-p.x, p.y));
        let points: Vec<Point> = right.iter().copied().chain(left).collect();
        Self::smooth(&points)
    }

    fn tabulate(outline: &[Point]) -> Self {
        let (mut low, mut high) = (pt(f32::MAX, f32::MAX), pt(f32::MIN, f32::MIN));
        for p in outline {
            low = pt(low.x.min(p.x), low.y.min(p.y));
            high = pt(high.x.max(p.x), high.y.max(p.y));
        }
        let span = (high.x - low.x).max(high.y - low.y);
        let margin = (0.15 * span).max(0.06);
        let step = ((span + 2.0 * margin) / 56.0).max(0.009);
        let origin = low - pt(margin, margin);
        let columns = ((high.x - low.x + 2.0 * margin) / step) as usize + 2;
        let rows = ((high.y - low.y + 2.0 * margin) / step) as usize + 2;
        let mut grid = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                grid.push(signed_distance(
                    outline,
                    origin + pt(column as f32, row as f32) * step,
                ));
            }
        }
        Self {
            origin,
            step,
            columns,
            rows,
            grid,
        }
    }

    /// Signed distance from `p` to the outline: negative inside.
    pub fn distance(&self, p: Point) -> f32 {
        let q = (p - self.origin) * (1.0 / self.step);
        let (max_x, max_y) = (
            (self.columns - 1) as f32 - 0.001,
            (self.rows - 1) as f32 - 0.001,
        );
        let c = pt(q.x.clamp(0.0, max_x), q.y.clamp(0.0, max_y));
        let outside = (q - c).length() * self.step;
        let (x, y) = (c.x as usize, c.y as usize);
        let (u, v) = (c.x - x as f32, c.y - y as f32);
        let at = y * self.columns + x;
        let top = mix(self.grid[at], self.grid[at + 1], u);
        let bottom = mix(
            self.grid[at + self.columns],
            self.grid[at + self.columns + 1],
            u,
        );
        mix(top, bottom, v) + outside
    }
}

fn signed_distance(outline: &[Point], p: Point) -> f32 {
    let mut nearest = f32::MAX;
    let mut inside = false;
    let mut a = outline[outline.len() - 1];
    for &b in outline {
        nearest = nearest.min(segment(p, a, b));
        if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
            inside = !inside;
        }
        a = b;
    }
    if inside {
        -nearest.sqrt()
    } else {
        nearest.sqrt()
    }
}
